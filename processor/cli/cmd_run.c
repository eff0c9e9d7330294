/* segstream run -c CONFIG: process events from Kafka until SIGINT or SIGTERM. */
#include "processor/cli/api.h"
#include "processor/cli/options.h"
#include "processor/runtime/supervisor.h"

#include <signal.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct arguments {
    struct text instance;
    struct cli_options common; /* partitions 0: as the topics have */
};

static const struct argp_option options[] = {
    CLI_OPTION_CONFIG,
    { "instance", 'i', "ID", 0,
      "This process' name: a static member of the group, so that a quick restart moves no "
      "partition",
      0 },
    { "partitions", CLI_KEY_PARTITIONS, "N", 0,
      "Work on the first N partitions of topics that have grown, as the stored state has them: "
      "before `segstream rekey`",
      0 },
    CLI_OPTION_SET,
    { 0 },
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct arguments *a = state->input;

    switch (key) {
    case ARGP_KEY_ARG:
        cli_options_config(&a->common, argument, state);
        return 0;
    case 'i':
        a->instance = text_of(argument);
        return 0;
    case ARGP_KEY_END:
        if (a->common.config == NULL) {
            argp_error(state, "which configuration? -c FILE");
        }
        return 0;
    default:
        return cli_options_parse(&a->common, key, argument, state);
    }
}

static int stop_fd = -1; /* for the handler */

static void on_signal(int number)
{
    static const uint64_t one = 1;
    ssize_t written = write(stop_fd, &one, sizeof(one));

    (void)written;
    (void)number;
}

int cli_stop_fd(void)
{
    struct sigaction action = { .sa_handler = on_signal };

    stop_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    return stop_fd;
}

int cmd_run(int argc, char **argv)
{
    static const struct argp argp = { .options = options,
                                      .parser = parse,
                                      .args_doc = "",
                                      .doc = "Process events from Kafka until SIGINT or SIGTERM; "
                                             "start more processes to scale." };
    struct arguments a = { 0 };
    struct config *config = NULL;
    enum exit_code code;
    char sentence[SUPERVISOR_TEXT_SIZE] = "";
    enum err error;

    cli_parse(&argp, argc, argv, &a);
    code = cli_load(a.common.config, CONFIG_NEED_KAFKA | CONFIG_NEED_STATE | CONFIG_NEED_TOPICS,
                    &a.common.overrides, &config);
    if (code != EXIT_GOOD) {
        return (int)code;
    }
    error = supervisor_run(&(struct supervisor_options){ .config = config,
                                                         .instance = a.instance,
                                                         .stop_fd = cli_stop_fd(),
                                                         .has_http = true,
                                                         .page = api_page,
                                                         .page_context = config,
                                                         .partitions = a.common.partitions },
                           sentence);
    config_free(config);
    if (error != OK) {
        fprintf(stderr, "segstream run: %s\n", sentence);
        return err_action(error) == ERR_ACTION_REFUSE ? EXIT_BAD_CONFIG : EXIT_SERVICE;
    }
    return EXIT_GOOD;
}
