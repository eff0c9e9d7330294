#include "segmenters/rfm.h"

#include "processor/base/check.h"
#include "processor/base/instant.h"

#define SCORES    (RFM_CUTS + 1)
#define MAP_NAMES 11

struct named_map { /* one published map: 11 names and the cells each has */
    const char *name;
    struct {
        const char *name;
        const char *cells; /* digits R, F, M; 0 stands for any */
    } of[MAP_NAMES];
};

/* clang-format off */
static const struct named_map maps[] = {
    /* Over R and F; M is left to a value tier of its own. */
    { "rf11", {
        { "champions",          "540 550" },
        { "loyal",              "440 450 340 350" },
        { "potential_loyalist", "520 530 420 430" },
        { "new_customers",      "510" },
        { "promising",          "410" },
        { "need_attention",     "330" },
        { "about_to_sleep",     "310 320" },
        { "at_risk",            "230 240 130 140" },
        { "cannot_lose_them",   "250 150" },
        { "hibernating",        "210 220 120" },
        { "lost",               "110" } } },
    /* The list of 125 codes that most write-ups of RFM repeat. */
    { "l125", {
        { "champions",          "555 554 545 544 455 454 445" },
        { "loyal",              "543 444 435 355 354 345 344 335" },
        { "potential_loyalist", "553 552 551 542 541 533 532 531 453 452 451 442 441 433 432 431 "
                                "423 353 352 351 342 341 333 323" },
        { "new_customers",      "512 511 422 421 412 411 311" },
        { "promising",          "525 524 523 522 521 515 514 513 425 424 415 414 413 315 314 313" },
        { "need_attention",     "535 534 443 434 343 334 325 324" },
        { "about_to_sleep",     "331 321 312 251 241 231 221 213" },
        { "at_risk",            "255 254 253 252 245 244 243 242 235 234 225 224 153 152 145 143 "
                                "142 135 134 133 125 124" },
        { "cannot_lose_them",   "155 154 144 215 214 115 114 113" },
        { "hibernating",        "332 322 233 232 223 222 212 211 132 123 122" },
        { "lost",               "151 141 131 121 112 111" } } },
};
/* clang-format on */

static bool is_spent(const struct order *o)
{
    return o->refunded > 0 && o->refunded >= o->amount;
}

bool rfm_order_counts(const struct order *o, int64_t now_ms)
{
    CHECK(o->amount >= 0 && o->refunded >= 0);
    /* An order still to come, or of which only refunds were seen, has a time after now. */
    return o->at_ms <= now_ms && !is_spent(o);
}

int64_t rfm_order_net(const struct order *o)
{
    CHECK(o->amount >= 0 && o->refunded >= 0);
    return o->is_foreign || o->refunded >= o->amount ? 0 : o->amount - o->refunded;
}

static int64_t earlier(int64_t a_ms, int64_t b_ms)
{
    return a_ms < b_ms ? a_ms : b_ms;
}

static int32_t score_of(const int64_t least[RFM_CUTS], int64_t value)
{
    int32_t score = 1;

    for (int i = 0; i < RFM_CUTS && value >= least[i]; i++) {
        score++;
    }
    return score;
}

/* Score of an age, and the instant at which it is next lower. */
static int32_t recency_score(const struct rfm_plan *plan, int64_t last_ms, int64_t now_ms,
                             int64_t *out_until_ms)
{
    int32_t score = SCORES;

    *out_until_ms = INSTANT_NEVER;
    for (int i = RFM_CUTS; i-- > 0; score--) { /* youngest first */
        if (now_ms - last_ms < plan->recency_ms[i]) {
            *out_until_ms = last_ms + plan->recency_ms[i];
            break;
        }
    }
    return score;
}

/* What one pass over the orders finds. */
struct orders {
    int64_t count, net;
    int64_t first_ms, last_ms; /* in the window */
    int64_t first_money_ms;    /* in the window, not foreign */
    int64_t next_ms;           /* the earliest still to come; never: none */
    int64_t coming;            /* how many are still to come */
};

static bool is_in_window(const struct rfm_plan *plan, int64_t at_ms, int64_t now_ms)
{
    return plan->window_ms == INSTANT_NEVER || now_ms - at_ms < plan->window_ms;
}

/* Orders of one time that brought so much, money or not. */
static void add_orders(struct orders *all, int64_t at_ms, int64_t count, int64_t net, bool is_money)
{
    all->last_ms = all->count == 0 || at_ms > all->last_ms ? at_ms : all->last_ms;
    all->count += count;
    all->first_ms = earlier(all->first_ms, at_ms);
    if (is_money) {
        all->first_money_ms = earlier(all->first_money_ms, at_ms);
    }
    if (__builtin_add_overflow(all->net, net, &all->net)) {
        all->net = INT64_MAX;
    }
}

static struct orders orders_of(const struct rfm_plan *plan, const struct customer *c,
                               int64_t now_ms)
{
    struct orders all = { .first_ms = INSTANT_NEVER,
                          .first_money_ms = INSTANT_NEVER,
                          .next_ms = INSTANT_NEVER };

    for (uint32_t i = 0; i < c->order_day_count; i++) { /* the oldest, folded */
        const struct history_day *d = &c->order_days[i];
        int64_t at_ms = (d->day + INT64_C(1)) * DAY_MS - 1;

        at_ms = at_ms > now_ms ? now_ms : at_ms;
        if (is_in_window(plan, at_ms, now_ms)) {
            add_orders(&all, at_ms, d->count, d->sum, true);
        }
    }
    for (uint32_t i = 0; i < c->order_count; i++) {
        const struct order *o = &c->orders[i];

        if (o->at_ms == INSTANT_NEVER || is_spent(o)) {
            continue;
        }
        if (o->at_ms > now_ms) {
            all.next_ms = earlier(all.next_ms, o->at_ms);
            all.coming++;
        } else if (is_in_window(plan, o->at_ms, now_ms)) {
            add_orders(&all, o->at_ms, 1, rfm_order_net(o), !o->is_foreign);
        }
    }
    return all;
}

/* When an order of at_ms leaves the window. */
static int64_t leaves_ms(const struct rfm_plan *plan, int64_t at_ms)
{
    return plan->window_ms == INSTANT_NEVER || at_ms == INSTANT_NEVER ? INSTANT_NEVER
                                                                      : at_ms + plan->window_ms;
}

struct rfm rfm_value(const struct rfm_plan *plan, const struct customer *c, int64_t now_ms)
{
    struct orders all;
    struct rfm rfm = { 0 };

    CHECK(plan->is_used);
    CHECK(plan->window_ms > 0);
    all = orders_of(plan, c, now_ms);
    rfm.is_known = all.count > 0;
    rfm.frequency = all.count;
    rfm.monetary = all.net;
    rfm.r_until_ms = rfm.f_until_ms = rfm.m_until_ms = all.next_ms;
    if (!rfm.is_known) {
        rfm.segment = c->orders_ever > all.coming ? TEXT("lapsed") : TEXT("prospect");
        return rfm;
    }
    rfm.recency_ms = now_ms - all.last_ms;
    rfm.r = recency_score(plan, all.last_ms, now_ms, &rfm.r_until_ms);
    rfm.f = score_of(plan->frequency, all.count);
    rfm.m = score_of(plan->monetary, all.net);
    rfm.r_until_ms = earlier(earlier(rfm.r_until_ms, all.next_ms), leaves_ms(plan, all.last_ms));
    rfm.f_until_ms = earlier(all.next_ms, leaves_ms(plan, all.first_ms));
    /* With its last order gone the value is unknown, whatever that order's currency. */
    rfm.m_until_ms = earlier(earlier(all.next_ms, leaves_ms(plan, all.last_ms)),
                             leaves_ms(plan, all.first_money_ms));
    rfm.segment = plan->cells[(rfm.r - 1) * SCORES * SCORES + (rfm.f - 1) * SCORES + (rfm.m - 1)];
    CHECK(rfm.recency_ms >= 0);
    return rfm;
}

/* Give every cell that matches a code like "540" to `name`. */
static void fill_cells(struct rfm_plan *plan, const char *code, struct text name)
{
    for (int cell = 0; cell < RFM_CELLS; cell++) {
        const int digits[3] = { cell / (SCORES * SCORES) + 1, cell / SCORES % SCORES + 1,
                                cell % SCORES + 1 };
        bool is_match = true;

        for (int i = 0; i < 3; i++) {
            is_match = is_match && (code[i] == '0' || code[i] == '0' + digits[i]);
        }
        if (is_match) {
            CHECK(plan->cells[cell].at == NULL); /* disjoint */
            plan->cells[cell] = name;
        }
    }
}

void rfm_map_names(struct rfm_plan *plan)
{
    plan->name_count = 0;
    for (int cell = 0; cell < RFM_CELLS; cell++) {
        uint32_t i = 0;

        CHECK(plan->cells[cell].at != NULL); /* total */
        while (i < plan->name_count && !text_equal(plan->names[i], plan->cells[cell])) {
            i++;
        }
        if (i == plan->name_count) {
            plan->names[plan->name_count++] = plan->cells[cell];
        }
    }
    CHECK(plan->name_count <= RFM_CELLS);
    plan->names[plan->name_count++] = TEXT("prospect");
    plan->names[plan->name_count++] = TEXT("lapsed");
}

bool rfm_map_named(struct rfm_plan *plan, struct text name)
{
    const struct named_map *map = NULL;

    for (size_t i = 0; i < sizeof maps / sizeof maps[0]; i++) {
        if (text_is(name, maps[i].name)) {
            map = &maps[i];
        }
    }
    if (map == NULL) {
        return false;
    }
    memset(plan->cells, 0, sizeof plan->cells);
    for (int i = 0; i < MAP_NAMES; i++) {
        /* "555 554 545": codes of three digits with a space between */
        for (const char *code = map->of[i].cells;; code += 4) {
            fill_cells(plan, code, text_of(map->of[i].name));
            if (code[3] == '\0') {
                break;
            }
        }
    }
    rfm_map_names(plan);
    return true;
}
