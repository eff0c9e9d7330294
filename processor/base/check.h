/* Checks that stay on in every build: a wrong program stops, and stopping loses nothing here, since
 * what is not committed is read again.
 *
 * Layer: base. Never CHECK input, configuration or a peer's answer: those are errors, not bugs.
 */
#ifndef BASE_CHECK_H
#define BASE_CHECK_H

/* Print place and expression to standard error and abort. */
_Noreturn void check_fail(const char *file, int line, const char *what);

#define CHECK(condition) ((condition) ? (void)0 : check_fail(__FILE__, __LINE__, #condition))
#define UNREACHABLE()    check_fail(__FILE__, __LINE__, "unreachable code was reached")

/* Costly checks (walk a heap, encode again and compare): development, simulation and fuzzing. */
#ifdef SEGSTREAM_DEEP_CHECK
#define DEEP_CHECK(condition) CHECK(condition)
#else
#define DEEP_CHECK(condition) ((void)sizeof((condition) ? 1 : 0))
#endif

#endif /* BASE_CHECK_H */
