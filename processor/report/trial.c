#include "processor/report/trial.h"

#include "processor/base/check.h"

#include <math.h>

#define LN_E_PRINTED 690 /* e to that is still a number of JSON readers */

const char *verdict_name(enum verdict v)
{
    static const char *const names[] = { "inconclusive", "winner", "none", "invalid" };

    return names[v];
}

double trial_ln_e(int64_t control, int64_t arm, double control_weight, double arm_weight)
{
    const int64_t counts[] = { control, arm };
    const double weights[] = { control_weight, arm_weight };

    if (control_weight <= 0 || arm_weight <= 0) {
        return 0; /* one of them gets nobody */
    }
    return statistics_split_ln_e(counts, weights, 2, STATISTICS_CONVERSION_CONCENTRATION);
}

static void read_split(const struct trial *t, struct read_out *out)
{
    int64_t counts[TRIAL_ARMS_MAX];
    double weights[TRIAL_ARMS_MAX];

    for (uint32_t i = 0; i < t->arm_count; i++) {
        counts[i] = t->arms[i].rate.count;
        weights[i] = t->arms[i].weight;
    }
    out->split_p = statistics_split(counts, weights, t->arm_count, &out->split_chi2);
    out->split_ln_e =
        statistics_split_ln_e(counts, weights, t->arm_count, STATISTICS_SPLIT_CONCENTRATION);
}

static void compare(const struct trial *t, uint32_t arm, double alpha, struct comparison *out)
{
    const struct trial_arm *a = &t->arms[0], *b = &t->arms[arm];
    double ratio = b->weight > 0 ? a->weight / b->weight : 0;
    double planned = (double)(a->planned + b->planned), most, p;

    out->z = statistics_z(a->rate, b->rate);
    out->p = statistics_normal_tail(out->z);
    out->newcombe = statistics_newcombe(a->rate, b->rate, alpha);
    out->ln_e = trial_ln_e(a->rate.hits, b->rate.hits, a->weight, b->weight);
    most = t->has_history ? fmax(t->ln_e_most[arm], out->ln_e) : out->ln_e;
    out->anytime_p = fmin(1, exp(-most) * (t->arm_count - 1));
    out->share = statistics_share(a->rate.hits, b->rate.hits, a->weight, b->weight, alpha);
    out->ratio = (struct interval){ out->share.low / (1 - out->share.low) * ratio,
                                    out->share.high / (1 - out->share.high) * ratio };
    out->sequence = statistics_sequence(a->rate, b->rate, alpha, planned > 0 ? planned : 5000, &p);
}

static enum verdict judge(const struct trial *t, uint32_t arm, const struct read_out *r)
{
    const struct comparison *c = &r->comparisons[arm];

    if (r->split_p < TRIAL_SPLIT_ALPHA) {
        return VERDICT_INVALID;
    }
    if (c->anytime_p <= t->alpha &&
        t->arms[0].rate.hits + t->arms[arm].rate.hits >= TRIAL_CONVERSIONS_MIN) {
        return VERDICT_WINNER;
    }
    return r->is_sample_reached ? VERDICT_NONE : VERDICT_INCONCLUSIVE;
}

/* The control wins when every other arm is surely worse; else the arm that is surely better, and
 * of several the one with the highest rate. Returns: false when only some are surely worse. */
static bool find_winner(const struct trial *t, struct read_out *r)
{
    uint32_t worse = 0, arms = 0;
    bool is_found = false;

    for (uint32_t i = 1; i < t->arm_count; i++) {
        bool is_sure = r->comparisons[i].verdict == VERDICT_WINNER;
        bool is_better = statistics_rate(t->arms[i].rate) > statistics_rate(t->arms[0].rate);

        arms += t->arms[i].weight > 0;
        worse += is_sure && !is_better;
        if (is_sure && is_better &&
            (!is_found ||
             statistics_rate(t->arms[i].rate) > statistics_rate(t->arms[r->winner].rate))) {
            r->winner = i;
            is_found = true;
        }
    }
    return is_found || (worse > 0 && worse == arms);
}

void trial_read(const struct trial *t, struct read_out *out)
{
    double p[TRIAL_ARMS_MAX];
    uint32_t comparisons = t->arm_count - 1;
    double alpha = t->alpha / comparisons;

    CHECK(t->arm_count >= 2 && t->arm_count <= TRIAL_ARMS_MAX);
    *out = (struct read_out){ .is_sample_reached = true };
    read_split(t, out);
    for (uint32_t i = 0; i < t->arm_count; i++) {
        const struct trial_arm *arm = &t->arms[i];

        out->wilson[i] = statistics_wilson(arm->rate, t->alpha);
        out->is_sample_reached =
            out->is_sample_reached &&
            (arm->weight <= 0 || (arm->planned > 0 && arm->rate.count >= arm->planned));
    }
    for (uint32_t i = 1; i < t->arm_count; i++) {
        compare(t, i, alpha, &out->comparisons[i]);
        p[i - 1] = out->comparisons[i].p;
    }
    statistics_holm(p, comparisons);
    for (uint32_t i = 1; i < t->arm_count; i++) {
        out->comparisons[i].p = p[i - 1];
        out->comparisons[i].verdict = judge(t, i, out);
    }
    if (out->split_p < TRIAL_SPLIT_ALPHA) {
        out->verdict = VERDICT_INVALID;
    } else if (find_winner(t, out)) {
        out->verdict = VERDICT_WINNER;
    } else {
        out->verdict = out->is_sample_reached ? VERDICT_NONE : VERDICT_INCONCLUSIVE;
    }
}

/* --- JSON --- */

static void print_interval(const char *key, struct interval i, FILE *to)
{
    fprintf(to, "%s[%.9g, %.9g]", key, i.low, i.high);
}

static void print_wilson(const struct read_out *r, const uint32_t *arms, uint32_t count, FILE *to)
{
    fputs("\"wilson\": [", to);
    for (uint32_t i = 0; i < count; i++) {
        print_interval(i == 0 ? "" : ", ", r->wilson[arms == NULL ? i : arms[i]], to);
    }
    fputs("]", to);
}

static void print_comparison(const struct read_out *r, uint32_t arm, FILE *to)
{
    const struct comparison *c = &r->comparisons[arm];
    const uint32_t arms[] = { 0, arm };

    fprintf(to, "\"srm_p\": %.9g, \"z\": %.9g, \"p\": %.9g, ", r->split_p, c->z, c->p);
    print_interval("\"newcombe\": ", c->newcombe, to);
    fprintf(to, ", \"evalue\": %.9g, \"anytime_p\": %.9g, ", exp(fmin(c->ln_e, LN_E_PRINTED)),
            c->anytime_p);
    print_wilson(r, arms, 2, to);
    fprintf(to, ", \"verdict\": \"%s\"", verdict_name(c->verdict));
}

static void print_name(struct text name, FILE *to)
{
    fputs("{\"name\": \"", to);
    for (size_t i = 0; i < name.size; i++) {
        unsigned char c = (unsigned char)name.at[i];

        if (c < ' ') {
            fprintf(to, "\\u%04x", c);
        } else {
            fprintf(to, c == '"' || c == '\\' ? "\\%c" : "%c", c);
        }
    }
    fputs("\", ", to);
}

void trial_print_json(const struct trial *t, const struct read_out *r, FILE *to)
{
    fputc('{', to);
    if (t->arm_count == 2) {
        print_comparison(r, 1, to);
    } else {
        fprintf(to, "\"srm_p\": %.9g, ", r->split_p);
        print_wilson(r, NULL, t->arm_count, to);
        fprintf(to, ", \"verdict\": \"%s\", \"comparisons\": [", verdict_name(r->verdict));
        for (uint32_t i = 1; i < t->arm_count; i++) {
            fputs(i == 1 ? "" : ", ", to);
            print_name(t->arms[i].name, to);
            print_comparison(r, i, to);
            fputc('}', to);
        }
        fputc(']', to);
    }
    fputs("}\n", to);
}
