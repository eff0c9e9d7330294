#include "processor/config/keys.h"

#include "processor/base/instant.h"
#include "segmenters/arm.h"

/* In these tables what is not named is zero, on purpose. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

/* clang-format off */
#define KEYS(list)      { list, sizeof(list) / sizeof((list)[0]) }
#define EACH(name, ...) static const struct key name##_EACH[] = { { NULL, __VA_ARGS__ } }; \
                        static const struct keys name = KEYS(name##_EACH)
#define NOT_YET(what)   .shape = SHAPE_UNSUPPORTED, .choices = what
#define SAYS(sentence)  .says = sentence
#define NEEDED          .is_needed = true
#define FROM_TO(a, b)   .least = (a), .most = (b)

#define DIMENSIONS "demographic behavioral psychographic firmographic intent lifecycle"
#define YEAR_MS    (INT64_C(365) * DAY_MS)

EACH(ANYTHING, SHAPE_ANY);
EACH(TEXT_ITEMS, SHAPE_TEXT);
EACH(DURATION_ITEMS, SHAPE_DURATION);
EACH(INT_ITEMS, SHAPE_INT, FROM_TO(1, INT32_MAX));
EACH(MONEY_ITEMS, SHAPE_MONEY);
EACH(LISTS, SHAPE_TEXTS);
EACH(PREDICATES, SHAPE_PREDICATE);

static const struct key KAFKA_KEYS[] = {
    { "brokers", SHAPE_TEXTS, NEEDED, SAYS("Kafka brokers to start from, host:port.") },
    { "properties", SHAPE_MAP_OF, &TEXT_ITEMS,
      SAYS("librdkafka properties of consumers and producers, security above all.") },
    { "consumer_properties", SHAPE_MAP_OF, &TEXT_ITEMS, SAYS("librdkafka properties of consumers only.") },
    { "producer_properties", SHAPE_MAP_OF, &TEXT_ITEMS, SAYS("librdkafka properties of producers only.") },
};
static const struct keys KAFKA = KEYS(KAFKA_KEYS);

static const struct key STATE_KEYS[] = {
    { "store", SHAPE_TEXT, NEEDED,
      SAYS("Where customers' records live: redis://HOST:PORT/DATABASE, redis+unix://PATH, or memory.") },
    { "user", SHAPE_TEXT, SAYS("Redis user.") },
    { "password", SHAPE_TEXT, SAYS("Redis password, best as !file PATH or !env NAME.") },
    { "tls", NOT_YET("Redis over TLS"), SAYS("Certificates for Redis over TLS.") },
    { "layout", SHAPE_CHOICE, .choices = "single cluster sentinel", SAYS("How Redis is deployed.") },
    { "nodes", SHAPE_TEXTS, SAYS("More nodes of a cluster to ask who has what, or the sentinels: host:port.") },
    { "master", SHAPE_TEXT, SAYS("Name of the master that sentinels watch.") },
    { "guarantee", SHAPE_CHOICE, .choices = "at_least_once exactly_once",
      SAYS("at_least_once: a repeated trigger has the same id. exactly_once: Kafka transactions, no repeats.") },
    { "forget_after", SHAPE_TEXT,
      SAYS("After so long without an event a customer's record shrinks to what must be kept; or never.") },
    { "live_from", SHAPE_INSTANT,
      SAYS("Events before this instant change state only: nothing enters a sequence, nothing leaves.") },
    { "cache", SHAPE_SIZE, FROM_TO(1 << 20, INT64_C(1) << 42), SAYS("Memory for customers' records per process.") },
    { "commit_every", SHAPE_DURATION, FROM_TO(0, 10 * SECOND_MS), SAYS("Longest wait before a batch is committed.") },
};
static const struct keys STATE = KEYS(STATE_KEYS);

static const struct key HTTP_KEYS[] = {
    { "listen", SHAPE_TEXT, SAYS("HOST:PORT of metrics and probes (port 0: any free one), or none.") },
    { "token", SHAPE_TEXT, SAYS("Secret that pages with customers' data ask for, best as !file PATH or !env NAME.") },
};
static const struct keys HTTP = KEYS(HTTP_KEYS);

static const struct key TIME_KEYS[] = {
    { "zone", SHAPE_TEXT, SAYS("IANA zone of send windows and quiet hours, like Europe/Berlin.") },
    { "zone_from", SHAPE_TEXT, SAYS("Attribute that holds a customer's own zone: customer.zone.") },
    { "allowed_lateness", SHAPE_DURATION, FROM_TO(0, 30 * DAY_MS),
      SAYS("How long a conclusion from silence waits for late events.") },
    { "bot_wait", SHAPE_DURATION, FROM_TO(0, HOUR_MS),
      SAYS("Clicks of one email on different links less than this apart are a machine's.") },
    { "clock", SHAPE_CHOICE, .choices = "wall event",
      SAYS("wall: real time moves idle partitions on. event: time is what the events say (history, demos, tests).") },
};
static const struct keys TIME = KEYS(TIME_KEYS);

static const struct key KIND_KEYS[] = {
    { "field", SHAPE_TEXT, NEEDED, SAYS("Field that names the kind of each record.") },
    { "map", SHAPE_MAP_OF, &TEXT_ITEMS, SAYS("Values of the field and the kinds they mean; others are taken as they are.") },
};
static const struct keys KIND = KEYS(KIND_KEYS);
static const struct key INPUT_KEYS[] = {
    { "kind", SHAPE_TEXT_OR_MAP, &KIND, NEEDED, SAYS("Kind of all records of the topic, or the field that says it.") },
    { "customer", SHAPE_TEXT, SAYS("Field that names the customer (the Kafka key must be the same).") },
    { "at", SHAPE_TEXT, SAYS("Field with the event time.") },
    { "id", SHAPE_TEXT, SAYS("Field by which repeated events are dropped.") },
    { "email", SHAPE_TEXT, SAYS("Field with the id of the trigger the event answers.") },
    { "order", SHAPE_TEXT, SAYS("Field with the order's id.") },
    { "amount", SHAPE_TEXT, SAYS("Field with the amount in minor units.") },
    { "currency", SHAPE_TEXT, SAYS("Field with the currency of the amount.") },
    { "format", SHAPE_CHOICE, .choices = "avro json", SAYS("How records are written.") },
    { "schema", SHAPE_TEXT, SAYS("File with the Avro schema of records without a header.") },
};
static const struct keys INPUT = KEYS(INPUT_KEYS);
EACH(INPUTS, SHAPE_MAP, &INPUT);
static const struct key OUTPUT_KEYS[] = {
    { "topic", SHAPE_TEXT, NEEDED, SAYS("Name of the Kafka topic.") },
    { "format", SHAPE_CHOICE, .choices = "avro avro_bare json",
      SAYS("How records are written: single-object Avro (the default), Avro without a header, JSON.") },
};
static const struct keys OUTPUT = KEYS(OUTPUT_KEYS);
static const struct key DEAD_LETTER_KEYS[] = {
    { "topic", SHAPE_TEXT, NEEDED, SAYS("Name of the Kafka topic.") },
    { "format", SHAPE_CHOICE, .choices = "avro", SAYS("How records are written.") },
    { "stop_above", SHAPE_TEXT, SAYS("Stop a partition when more of its input than this is unusable, like 5% per 1m.") },
};
static const struct keys DEAD_LETTERS = KEYS(DEAD_LETTER_KEYS);
static const struct key TOPICS_KEYS[] = {
    { "in", SHAPE_MAP_OF, &INPUTS, NEEDED, SAYS("Input topics by name; the order decides ties of time.") },
    { "triggers", SHAPE_MAP, &OUTPUT, SAYS("Where emails to send now go.") },
    { "memberships", SHAPE_MAP, &OUTPUT, SAYS("Where segments entered and left go (compacted).") },
    { "outcomes", SHAPE_MAP, &OUTPUT, SAYS("Where what sequences decided goes.") },
    { "dead_letters", SHAPE_MAP, &DEAD_LETTERS, SAYS("Where input that could not be used goes.") },
};
static const struct keys TOPICS = KEYS(TOPICS_KEYS);

static const struct key ATTRIBUTE_KEYS[] = {
    { "type", SHAPE_CHOICE, .choices = "int double string bool enum date strings", NEEDED,
      SAYS("Type of its values; strings is a set.") },
    { "dimension", SHAPE_CHOICE, .choices = DIMENSIONS, SAYS("What the attribute speaks of.") },
    { "values", SHAPE_LIST_OF, &TEXT_ITEMS, SAYS("The values of an enum.") },
    { "default", SHAPE_TEXTS, SAYS("Value of customers who have none.") },
};
static const struct keys ATTRIBUTE = KEYS(ATTRIBUTE_KEYS);
EACH(ATTRIBUTES, SHAPE_MAP, &ATTRIBUTE);
static const struct key REMEMBER_KEYS[] = {
    { "last", SHAPE_TEXT, NEEDED, SAYS("Kind of event whose newest is remembered.") },
    { "field", SHAPE_TEXT, NEEDED, SAYS("Field of that event to keep; of a list of records all of them.") },
};
static const struct keys REMEMBER = KEYS(REMEMBER_KEYS);
EACH(REMEMBERS, SHAPE_MAP, &REMEMBER);

static const struct key CADENCE_KEYS[] = {
    { "r", SHAPE_TEXT, NEEDED, SAYS("Shape of the rate of orders over customers, a number above 0.") },
    { "alpha", SHAPE_TEXT, NEEDED, SAYS("Its scale in weeks, a number above 0.") },
};
static const struct keys CADENCE = KEYS(CADENCE_KEYS);
static const struct key RFM_KEYS[] = {
    { "window", SHAPE_TEXT, NEEDED, SAYS("How far back orders count, like 365d, or ever.") },
    { "recency", SHAPE_LIST_OF, &DURATION_ITEMS, NEEDED,
      SAYS("Four ages of the last order at which r rises from 1 to 5, the oldest first.") },
    { "frequency", SHAPE_LIST_OF, &INT_ITEMS, NEEDED, SAYS("Least numbers of orders of the scores 2 to 5.") },
    { "monetary", SHAPE_LIST_OF, &MONEY_ITEMS, NEEDED, SAYS("Least money, net of refunds, of the scores 2 to 5.") },
    { "map", SHAPE_TEXT_OR_MAP, &PREDICATES, NEEDED,
      SAYS("rf11, l125, or own names with expressions over r, f and m that cover each of the 125 cells once.") },
    { "cadence", SHAPE_MAP, &CADENCE, SAYS("Personal time between orders, which overdue() asks for.") },
};
static const struct keys RFM = KEYS(RFM_KEYS);
static const struct key SCORE_KEYS[] = {
    { "half_life", SHAPE_DURATION, FROM_TO(MINUTE_MS, 10 * YEAR_MS), NEEDED, SAYS("Time in which points halve.") },
    { "points", SHAPE_MAP_OF, &TEXT_ITEMS, NEEDED, SAYS("Points by kind of event or filter; all that match add up.") },
    { "levels", SHAPE_MAP_OF, &TEXT_ITEMS, NEEDED, SAYS("Names of levels and their least points, from 0, rising.") },
};
static const struct keys SCORE = KEYS(SCORE_KEYS);
static const struct key SCORES_KEYS[] = {
    { "rfm", SHAPE_MAP, &RFM, SAYS("Recency, frequency and money of a customer's orders, each 1 to 5.") },
    { NULL, SHAPE_MAP, &SCORE, SAYS("A sum of points that halves every half_life.") },
};
static const struct keys SCORES = KEYS(SCORES_KEYS);

static const struct key RUNG_KEYS[] = {
    { "when", SHAPE_PREDICATE, NEEDED, SAYS("Who is on this rung, unless a higher one holds.") },
    { "leave_when", SHAPE_PREDICATE, SAYS("The rung is kept until this holds and `when` does not.") },
};
static const struct keys RUNG = KEYS(RUNG_KEYS);
EACH(RUNGS, SHAPE_PREDICATE_OR_MAP, &RUNG, SAYS("A rung: who is on it, as an expression or a map with leave_when."));
static const struct key PAIN_KEYS[] = {
    { "primary", SHAPE_ANY, SAYS("The worst pain.") }, { "secondary", SHAPE_ANY, SAYS("Other pains.") },
    { "triggers", SHAPE_ANY, SAYS("What makes them look for help.") },
    { NULL, SHAPE_ANY },
};
static const struct keys PAIN = KEYS(PAIN_KEYS);
static const struct key PREFERS_KEYS[] = {
    { "formats", SHAPE_ANY, SAYS("Formats they like.") }, { "topics", SHAPE_ANY, SAYS("Topics they like.") },
    { "channels", SHAPE_ANY, SAYS("Channels they use.") }, { "engagement", SHAPE_ANY, SAYS("When and how they engage.") },
    { NULL, SHAPE_ANY },
};
static const struct keys PREFERS = KEYS(PREFERS_KEYS);
static const struct key PATH_KEYS[] = {
    { "journey", SHAPE_ANY, SAYS("The usual way to a purchase.") },
    { "touchpoints", SHAPE_ANY, SAYS("Where it meets us.") },
    { "decision_factors", SHAPE_ANY, SAYS("What decides it.") },
    { NULL, SHAPE_ANY },
};
static const struct keys PATH = KEYS(PATH_KEYS);
static const struct key PROFILE_KEYS[] = {
    { "size_estimate", SHAPE_ANY, SAYS("Share of all customers that is expected, like 12%.") },
    { "demographics", SHAPE_ANY, SAYS("Who they are.") },
    { "behaviors", SHAPE_ANY, SAYS("What they do.") },
    { "psychographics", SHAPE_ANY, SAYS("What moves them.") },
    { "pain_points", SHAPE_ANY, &PAIN, SAYS("What troubles them.") },
    { "prefers", SHAPE_ANY, &PREFERS, SAYS("What they like.") },
    { "messages", SHAPE_ANY, SAYS("What to say to them.") },
    { "objections", SHAPE_ANY, SAYS("What holds them back.") },
    { "value_propositions", SHAPE_ANY, SAYS("What they get.") },
    { "tone", SHAPE_ANY, SAYS("How to speak to them.") },
    { "conversion_path", SHAPE_ANY, &PATH, SAYS("How they come to buy.") },
    { NULL, SHAPE_ANY, SAYS("Anything else worth knowing.") },
};
static const struct keys PROFILE = KEYS(PROFILE_KEYS);
static const struct key SEGMENT_KEYS[] = {
    { "dimension", SHAPE_CHOICE, .choices = DIMENSIONS, NEEDED, SAYS("What the segment speaks of.") },
    { "first_of", SHAPE_MAP_OF, &RUNGS, SAYS("A ladder: everyone is on the first rung that holds; the last is true.") },
    { "from", SHAPE_CHOICE, .choices = "rfm.segment", SAYS("A ladder of the names of the rfm map, prospect and lapsed.") },
    { "when", SHAPE_PREDICATE, SAYS("Who enters.") },
    { "leave_when", SHAPE_PREDICATE, SAYS("Who leaves, once `when` does not hold either.") },
    { "for", SHAPE_DURATION, SAYS("`when` must have held so long without a break.") },
    { "min_stay", SHAPE_DURATION, SAYS("The segment is not left earlier.") },
    { "profile", SHAPE_MAP_OF, &PROFILE, SAYS("For people: shown by reports, never evaluated.") },
};
static const struct keys SEGMENT = KEYS(SEGMENT_KEYS);
EACH(SEGMENTS, SHAPE_MAP, &SEGMENT, SAYS("A segment, or a ladder of them."));

static const struct key CHANNEL_KEYS[] = {
    { "slots", SHAPE_LIST_OF, &TEXT_ITEMS, NEEDED, SAYS("The parts that content is made of.") },
    { "optional", SHAPE_LIST_OF, &TEXT_ITEMS, SAYS("Slots that may stay empty.") },
    { "want", SHAPE_MAP_OF, &INT_ITEMS, SAYS("Variations each segment should have; check reports gaps.") },
    { "resolve", SHAPE_LIST_OF, &TEXT_ITEMS, SAYS("Segments with content of their own; the first a customer is in wins, slot by slot.") },
    { "default", SHAPE_MAP_OF, &LISTS, NEEDED, SAYS("Content of everyone else.") },
    { NULL, SHAPE_MAP_OF, &LISTS, SAYS("Content of a segment: an id or a list of ids per slot.") },
};
static const struct keys CHANNEL = KEYS(CHANNEL_KEYS);
EACH(CHANNELS, SHAPE_MAP, &CHANNEL, SAYS("A channel's matrix; triggers carry email and landing."));

static const struct key ENTER_KEYS[] = {
    { "on_entering", SHAPE_TEXTS, SAYS("Segments or rungs; entering any of them enters the sequence.") },
    { "on_leaving", SHAPE_TEXTS, SAYS("Segments or rungs; leaving any of them enters the sequence.") },
    { "on_event", SHAPE_TEXTS, SAYS("Kinds of event or filters that enter the sequence.") },
    { "if", SHAPE_PREDICATE, SAYS("Only who passes this enters.") },
    { "reenter_after", SHAPE_DURATION, SAYS("Enter again from so long after the last entry; without it once ever.") },
    { "backfill", SHAPE_BOOL, SAYS("Also changes made by a new configuration enter.") },
};
static const struct keys ENTER = KEYS(ENTER_KEYS);
static const struct key GOAL_KEYS[] = {
    { "event", SHAPE_TEXTS, SAYS("Kinds of event or filters that reach the goal.") },
    { "entering", SHAPE_TEXT, SAYS("Segment or rung whose entry reaches the goal.") },
    { "when", SHAPE_PREDICATE, SAYS("The goal is reached when this holds.") },
};
static const struct keys GOAL = KEYS(GOAL_KEYS);
static const struct key WINDOW_KEYS[] = {
    { "days", SHAPE_TEXTS, SAYS("Weekdays like mon-fri, or a list.") },
    { "hours", SHAPE_CLOCKS, SAYS("Times of the day like \"09:00-18:00\"; may pass midnight.") },
};
static const struct keys WINDOW = KEYS(WINDOW_KEYS);
static const struct key EMAIL_KEYS[] = {
    { "id", SHAPE_TEXT, NEEDED, SAYS("Name of the email within its sequence.") },
    { "after", SHAPE_DURATION, NEEDED, SAYS("Elapsed time after the entry or the previous email.") },
    { "purpose", SHAPE_TEXT, SAYS("What the email is for; travels in the trigger.") },
    { "theme", SHAPE_TEXT, SAYS("What the email is about; travels in the trigger.") },
    { "template", SHAPE_TEXT, SAYS("Layout the email system uses.") },
    { "subscription", SHAPE_TEXT, SAYS("Subscription it belongs to: an unsubscribe from it suppresses it.") },
    { "transactional", SHAPE_BOOL, SAYS("Exempt from caps; an unsubscribe does not stop it.") },
    { "if", SHAPE_PREDICATE, SAYS("Skipped unless this holds at its instant.") },
    { "expires_in", SHAPE_DURATION, FROM_TO(1, YEAR_MS), SAYS("Not to be delivered later than this after sending.") },
    { "experiment", SHAPE_TEXT, SAYS("Experiment whose arm fills its slot.") },
    { "personalize", SHAPE_LIST_OF, &TEXT_ITEMS, SAYS("customer.<attribute> and event.<field> values to travel in the trigger.") },
    { NULL, SHAPE_TEXTS_OR_MAP, &LISTS, SAYS("A slot of its own: an id, a list of ids, or a map of them by segment with default.") },
};
static const struct keys EMAIL = KEYS(EMAIL_KEYS);
EACH(EMAILS, SHAPE_MAP, &EMAIL);
static const struct key RESEND_KEYS[] = {
    { "slot", SHAPE_TEXT, NEEDED, SAYS("Slot that differs from the first attempt.") },
    { "use", SHAPE_TEXT, NEEDED, SAYS("Item of the slot's list, counted from 1, or the id of a content.") },
};
static const struct keys RESEND = KEYS(RESEND_KEYS);
static const struct key ACTION_KEYS[] = {
    { "next", SHAPE_BOOL, SAYS("Go on with the next email at its normal time.") },
    { "goto", SHAPE_TEXT, SAYS("Go on with this email.") },
    { "resend", SHAPE_MAP, &RESEND, SAYS("The same email again, with another item in one slot.") },
    { "start", SHAPE_TEXT, SAYS("Move to another sequence.") },
    { "end", SHAPE_BOOL, SAYS("End the run.") },
    { "after", SHAPE_DURATION, SAYS("Wait so long after the judgement.") },
    { "at_most", SHAPE_INT, FROM_TO(1, 1000), SAYS("Times per email and run, then next; 1 for resend.") },
    { "times_in_a_row", SHAPE_INT, FROM_TO(1, 1000), SAYS("Act only from the n-th such outcome in a row on.") },
};
static const struct keys ACTION = KEYS(ACTION_KEYS);
static const struct key BRANCH_KEYS[] = {
    { "opened_not_clicked", SHAPE_TEXT_OR_MAP, &ACTION, SAYS("After an open without a click.") },
    { "clicked_not_converted", SHAPE_TEXT_OR_MAP, &ACTION, SAYS("After a click without the goal.") },
    { "no_engagement", SHAPE_TEXT_OR_MAP, &ACTION, SAYS("After neither open nor click.") },
    { "not_delivered", SHAPE_TEXT_OR_MAP, &ACTION, SAYS("After a soft bounce and no sign of delivery.") },
};
static const struct keys BRANCH = KEYS(BRANCH_KEYS);
static const struct key SET_KEYS[] = {
    { "set", SHAPE_MAP_OF, &LISTS, NEEDED, SAYS("Attributes and the values they get.") },
    { "until", SHAPE_TEXTS, SAYS("Kinds of event whose next one unsets them.") },
};
static const struct keys SET = KEYS(SET_KEYS);
static const struct key AT_END_KEYS[] = {
    { "opened_not_clicked", SHAPE_MAP, &SET, SAYS("When the last judged outcome was this.") },
    { "clicked_not_converted", SHAPE_MAP, &SET, SAYS("When the last judged outcome was this.") },
    { "no_engagement", SHAPE_MAP, &SET, SAYS("When the last judged outcome was this.") },
    { "not_delivered", SHAPE_MAP, &SET, SAYS("When the last judged outcome was this.") },
};
static const struct keys AT_END = KEYS(AT_END_KEYS);
static const struct key SEQUENCE_KEYS[] = {
    { "enter", SHAPE_MAP, &ENTER, NEEDED, SAYS("Who enters, and when.") },
    { "goal", SHAPE_MAP, &GOAL, SAYS("What ends a run as converted.") },
    { "stop_if", SHAPE_PREDICATE, SAYS("Ends a run when it holds, and keeps others from entering.") },
    { "send_window", SHAPE_MAP, &WINDOW, SAYS("Days and times at which its emails may leave.") },
    { "engagement_window", SHAPE_DURATION, FROM_TO(1, YEAR_MS), SAYS("Opens and clicks count so long after sending.") },
    { "conversion_window", SHAPE_DURATION, FROM_TO(0, YEAR_MS), SAYS("The judgement waits so long after the first click.") },
    { "engagement", SHAPE_CHOICE, .choices = "human any", SAYS("any: machines count in judging too.") },
    { "max_emails", SHAPE_INT, FROM_TO(1, 10000), SAYS("Emails one run sends at most; three times the emails by default.") },
    { "holdout", SHAPE_PERCENT, SAYS("Share of customers who get nothing, to measure what the sequence does.") },
    { "emails", SHAPE_LIST_OF, &EMAILS, NEEDED, SAYS("The emails in order.") },
    { "branch", SHAPE_MAP, &BRANCH, SAYS("What follows an outcome, other than the next email.") },
    { "at_end", SHAPE_MAP, &AT_END, SAYS("Attributes to set when a run completes.") },
};
static const struct keys SEQUENCE = KEYS(SEQUENCE_KEYS);
EACH(SEQUENCES, SHAPE_MAP, &SEQUENCE, SAYS("A sequence of emails."));

static const struct key ARM_KEYS[] = {
    { "weight", SHAPE_INT, FROM_TO(0, ARM_WEIGHT_MAX), NEEDED, SAYS("Share of customers, relative to the other arms' weights.") },
    { "use", SHAPE_TEXT, NEEDED, SAYS("Id of the content, or name of the template, that customers of the arm get.") },
};
static const struct keys ARM = KEYS(ARM_KEYS);
EACH(ARMS, SHAPE_MAP, &ARM, SAYS("An arm; the first is what the others are compared with."));
static const struct key SUCCESS_KEYS[] = {
    { "event", SHAPE_TEXTS, NEEDED, SAYS("Kinds of event or filters that count as success.") },
    { "within", SHAPE_DURATION, FROM_TO(1, YEAR_MS), NEEDED, SAYS("Success counts so long after the exposure.") },
};
static const struct keys SUCCESS = KEYS(SUCCESS_KEYS);
static const struct key PLAN_KEYS[] = {
    { "baseline", SHAPE_PERCENT, NEEDED, SAYS("Success rate expected of the first arm.") },
    { "detect", SHAPE_PERCENT, NEEDED, SAYS("The rate that is worth telling from the baseline.") },
    { "benchmark", SHAPE_PERCENT, SAYS("What is usual in the trade, for the read-out.") },
    { "alpha", SHAPE_FRACTION, SAYS("Chance taken of a false winner; 0.05 by default.") },
    { "power", SHAPE_FRACTION, SAYS("Chance wanted of seeing a true difference; 0.8 by default.") },
};
static const struct keys PLAN = KEYS(PLAN_KEYS);
static const struct key GUARD_KEYS[] = {
    { "unsubscribe", SHAPE_PERCENT, SAYS("No arm may be worse than the first by more unsubscribes than this.") },
    { "complaint", SHAPE_PERCENT, SAYS("No arm may be worse than the first by more complaints than this.") },
};
static const struct keys GUARD = KEYS(GUARD_KEYS);
static const struct key EXPERIMENT_KEYS[] = {
    { "version", SHAPE_INT, FROM_TO(1, 1000000), SAYS("Raised with every change of the arms; 1 by default.") },
    { "kind", SHAPE_CHOICE, .choices = "headline cta layout copy", SAYS("What is tried.") },
    { "hypothesis", SHAPE_TEXT, SAYS("What is believed, and why.") },
    { "expected_impact", SHAPE_TEXT, SAYS("What it would bring.") },
    { "slot", SHAPE_TEXT, NEEDED, SAYS("What the arms fill: email.<slot>, or email.template.") },
    { "arms", SHAPE_MAP_OF, &ARMS, NEEDED, SAYS("The arms in order; the first is what the others are compared with.") },
    { "success", SHAPE_MAP, &SUCCESS, NEEDED, SAYS("What counts as success of a customer who was sent the email.") },
    { "plan", SHAPE_MAP, &PLAN, SAYS("What the number of customers is planned by.") },
    { "guard", SHAPE_MAP, &GUARD, SAYS("Harm that no arm may do.") },
    { "promote", SHAPE_CHOICE, .choices = "manual auto", SAYS("Who makes a winner the rule.") },
};
static const struct keys EXPERIMENT = KEYS(EXPERIMENT_KEYS);
EACH(EXPERIMENTS, SHAPE_MAP, &EXPERIMENT, SAYS("An experiment that emails may name."));

static const struct key LIMITS_KEYS[] = {
    { "emails", SHAPE_LIST_OF, &TEXT_ITEMS, SAYS("Caps per customer over all sequences, like 3 per 7d.") },
    { "quiet_hours", SHAPE_CLOCKS, SAYS("Nothing leaves in these hours of the customer's day, like \"21:00-08:00\".") },
    { "priority", SHAPE_LIST_OF, &TEXT_ITEMS, SAYS("Sequences in order of who goes first at one instant.") },
    { "holdout", SHAPE_PERCENT, SAYS("Share of customers whom no sequence sends anything.") },
    { "max_delay", SHAPE_DURATION, FROM_TO(1, YEAR_MS), SAYS("An email held longer is suppressed.") },
    { "stale_after", SHAPE_DURATION, FROM_TO(1, YEAR_MS), SAYS("What is older than this by the wall clock neither enters nor leaves.") },
    { "per_minute", SHAPE_MAP_OF, &INT_ITEMS, SAYS("Safety ceilings by sequence: emails per minute over all customers.") },
    { "join_guard", SHAPE_PERCENT, SAYS("Hold conclusions from silence while more of the feedback than this names no trigger of ours.") },
};
static const struct keys LIMITS = KEYS(LIMITS_KEYS);

static const struct key TEST_EVENT_KEYS[] = {
    { "at", SHAPE_OFFSET, NEEDED, SAYS("When, from the start: +3d.") },
    { NULL, SHAPE_MAP_OF, &ANYTHING, SAYS("The kind of the event, and its fields.") },
};
static const struct keys TEST_EVENT = KEYS(TEST_EVENT_KEYS);
EACH(TEST_EVENTS, SHAPE_MAP, &TEST_EVENT);
static const struct key EXPECT_KEYS[] = {
    { "at", SHAPE_OFFSET, SAYS("Exactly then, from the start: +3d.") },
    { "by", SHAPE_OFFSET, SAYS("At any instant up to then.") },
    { "enters", SHAPE_TEXT, SAYS("Segment or rung that is entered.") },
    { "leaves", SHAPE_TEXT, SAYS("Segment or rung that is left.") },
    { "in", SHAPE_TEXT, SAYS("Segment or rung the customer is in.") },
    { "not_in", SHAPE_TEXT, SAYS("Segment or rung the customer is not in.") },
    { "trigger", SHAPE_TEXT, SAYS("sequence.email that leaves.") },
    { "outcome", SHAPE_TEXT, SAYS("sequence.email that is judged, or sequence whose run ends.") },
    { "never", SHAPE_TEXT, SAYS("sequence.email that does not leave.") },
    { "is", SHAPE_TEXT, SAYS("The outcome.") },
    { "reason", SHAPE_TEXT, SAYS("The reason.") },
    { "attempt", SHAPE_INT, FROM_TO(1, 10000), SAYS("1 the first time a run sends the email.") },
    { "content", SHAPE_MAP_OF, &TEXT_ITEMS, SAYS("Ids by slot of the email.") },
    { "landing", SHAPE_MAP_OF, &TEXT_ITEMS, SAYS("Ids by slot of the landing page.") },
};
static const struct keys EXPECT = KEYS(EXPECT_KEYS);
EACH(EXPECTATIONS, SHAPE_MAP, &EXPECT);
static const struct key TEST_KEYS[] = {
    { "name", SHAPE_TEXT, NEEDED, SAYS("A sentence that is true when the test passes.") },
    { "start", SHAPE_INSTANT, NEEDED, SAYS("The instant that +0h means.") },
    { "given", SHAPE_MAP_OF, &LISTS, SAYS("Attributes set just before the start.") },
    { "events", SHAPE_LIST_OF, &TEST_EVENTS, SAYS("What happens, in order of time.") },
    { "expect", SHAPE_LIST_OF, &EXPECTATIONS, NEEDED, SAYS("What must come of it.") },
    { "only", SHAPE_BOOL, SAYS("Nothing else may come of it.") },
    { "holdout", SHAPE_BOOL, SAYS("Let holdouts apply.") },
};
static const struct keys TEST = KEYS(TEST_KEYS);
EACH(TESTS, SHAPE_MAP, &TEST);

static const struct key ROOT_KEYS[] = {
    { "version", SHAPE_INT, FROM_TO(1, 1), NEEDED, SAYS("Version of the language: 1.") },
    { "app", SHAPE_TEXT, NEEDED, SAYS("Name of the deployment: consumer group, transactional ids, Redis keys.") },
    { "currency", SHAPE_TEXT, SAYS("ISO 4217 code that money is counted in; monetary needs it.") },
    { "kafka", SHAPE_MAP, &KAFKA, SAYS("How to reach Kafka.") },
    { "registry", NOT_YET("a schema registry"), SAYS("Schema registry.") },
    { "state", SHAPE_MAP, &STATE, SAYS("Where and how state is kept.") },
    { "workers", SHAPE_INT, FROM_TO(1, 256), SAYS("Threads per process.") },
    { "http", SHAPE_MAP, &HTTP, SAYS("Metrics and probes.") },
    { "time", SHAPE_MAP, &TIME, SAYS("Zones, lateness and clock.") },
    { "topics", SHAPE_MAP, &TOPICS, SAYS("Topics read and written.") },
    { "attributes", SHAPE_MAP_OF, &ATTRIBUTES, SAYS("What a profile event may set: customer.<name>.") },
    { "remember", SHAPE_MAP_OF, &REMEMBERS, SAYS("One value of the newest event of a kind: customer.<name>.") },
    { "filters", SHAPE_MAP_OF, &TEXT_ITEMS, SAYS("Named event filters, kind.name; expressions over event.<field>.") },
    { "scores", SHAPE_MAP_OF, &SCORES, SAYS("rfm, and decaying scores of any name.") },
    { "segments", SHAPE_MAP_OF, &SEGMENTS, SAYS("Segments and ladders.") },
    { "content", SHAPE_MAP_OF, &CHANNELS, SAYS("Content by channel, slot and segment.") },
    { "send_if", SHAPE_PREDICATE, SAYS("Asked for every trigger at its instant.") },
    { "sequences", SHAPE_MAP_OF, &SEQUENCES, SAYS("Sequences of emails.") },
    { "experiments", SHAPE_MAP_OF, &EXPERIMENTS, SAYS("Experiments on a slot or the template of an email.") },
    { "limits", SHAPE_MAP, &LIMITS, SAYS("Caps, quiet hours, priorities, delays.") },
    { "tests", SHAPE_LIST_OF, &TESTS, SAYS("Tests of this configuration in virtual time.") },
};
const struct keys KEYS_ROOT = KEYS(ROOT_KEYS);
/* clang-format on */

const struct key *keys_find(const struct keys *keys, struct text name)
{
    for (uint32_t i = 0; i < keys->count; i++) {
        if (keys->items[i].name == NULL || text_is(name, keys->items[i].name)) {
            return &keys->items[i];
        }
    }
    return NULL;
}
