/* DESIGN. Recursive descent over CEL's grammar, one function per level of precedence. Depth and the
 * number of nodes are bounded before anything is built.
 */
#include "segmenters/predicate_node.h"

#include "processor/base/check.h"

struct parser {
    struct compile *c;
    struct lexer lexer;
    struct token token; /* the next one */
};

static struct node *parse_expression(struct parser *p);

struct node *predicate_node_new(struct compile *c, enum node_kind kind, uint32_t offset,
                                uint32_t size)
{
    struct node *n;

    if (++c->node_count > PREDICATE_NODES_MAX) {
        predicate_fail(c->error, offset, size, "the expression has more than %d parts",
                       PREDICATE_NODES_MAX);
        return NULL;
    }
    n = arena_alloc(c->arena, sizeof(*n));
    n->kind = kind;
    n->offset = offset;
    n->size = size;
    return n;
}

static struct node *fail_at(struct parser *p, const char *what)
{
    if (p->token.kind == TOKEN_END) {
        predicate_fail(p->c->error, p->token.offset, 1, "the expression ends where %s is expected",
                       what);
    } else {
        predicate_fail(p->c->error, p->token.offset, p->token.size, "expected %s, found `%.*s`",
                       what, (int)(p->token.size > 40 ? 40 : p->token.size),
                       p->lexer.source.at + p->token.offset);
    }
    return NULL;
}

static void advance(struct parser *p)
{
    p->token = predicate_lex_next(&p->lexer);
}

static bool is_sign(const struct parser *p, const char *sign)
{
    return p->token.kind == TOKEN_SIGN && strcmp(p->token.sign, sign) == 0;
}

static bool take_sign(struct parser *p, const char *sign)
{
    if (!is_sign(p, sign)) {
        return false;
    }
    advance(p);
    return true;
}

static struct text token_text(const struct parser *p)
{
    return (struct text){ p->lexer.source.at + p->token.offset, p->token.size };
}

/* A node over children that stand in the source from the first to here. */
static struct node *join(struct parser *p, enum node_kind kind, struct node *const *children,
                         uint32_t count)
{
    struct node *n;

    for (uint32_t i = 0; i < count; i++) {
        if (children[i] == NULL) {
            return NULL;
        }
    }
    n = predicate_node_new(p->c, kind, count > 0 ? children[0]->offset : p->token.offset, 1);
    if (n != NULL) {
        n->children = arena_alloc(p->c->arena, (count + 1) * sizeof(struct node *));
        memcpy(n->children, children, count * sizeof(struct node *));
        n->child_count = count;
        if (count > 0) {
            n->size = children[count - 1]->offset + children[count - 1]->size - n->offset;
        }
    }
    return n;
}

/* Comma-separated expressions up to the closing sign. Returns: false and the error. */
static bool parse_operands(struct parser *p, const char *closing, struct node **out,
                           uint32_t *count)
{
    while (!is_sign(p, closing)) {
        struct node *operand;

        if (*count == NODE_CHILDREN_MAX) {
            predicate_fail(p->c->error, p->token.offset, p->token.size, "more than %d operands",
                           NODE_CHILDREN_MAX);
            return false;
        }
        operand = parse_expression(p);
        if (operand == NULL) {
            return false;
        }
        out[(*count)++] = operand;
        if (!take_sign(p, ",") && !is_sign(p, closing)) {
            return fail_at(p, "`,` or a closing bracket") != NULL;
        }
    }
    advance(p);
    return true;
}

/* What CEL has and the language has not is refused by its name. */
static bool is_foreign(struct parser *p, struct text name, uint32_t offset, uint32_t size)
{
    static const char *const foreign[] = {
        "matches", "all",  "exists", "exists_one", "map",    "filter", "dyn",     "uint",
        "bytes",   "type", "int",    "double",     "string", "bool",   "duration"
    };

    for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
        if (text_is(name, foreign[i])) {
            predicate_fail(p->c->error, offset, size, "`%s` of CEL is not part of the language",
                           foreign[i]);
            return true;
        }
    }
    return false;
}

static struct node *parse_name(struct parser *p)
{
    struct text name = token_text(p);
    uint32_t offset = p->token.offset, size = p->token.size, count = 0;
    struct node *children[NODE_CHILDREN_MAX];
    struct node *n;

    advance(p);
    if (text_is(name, "true") || text_is(name, "false") || text_is(name, "null")) {
        n = predicate_node_new(p->c, NODE_CONST, offset, size);
        if (n != NULL && !text_is(name, "null")) {
            n->value = (struct value){ .type = VALUE_BOOL, .as.boolean = text_is(name, "true") };
        }
        return n;
    }
    if (!take_sign(p, "(")) {
        n = predicate_node_new(p->c, NODE_NAME, offset, size);
    } else {
        if (is_foreign(p, name, offset, size)) {
            return NULL;
        }
        if (!parse_operands(p, ")", children, &count)) {
            return NULL;
        }
        n = join(p, NODE_CALL, children, count);
    }
    if (n != NULL) {
        n->name = name;
        n->offset = offset;
        n->size = size;
    }
    return n;
}

/* A number or text as written. The least int has one more than the largest behind its minus. */
static struct node *parse_literal(struct parser *p, const struct token *t, bool is_negated)
{
    struct node *n = predicate_node_new(p->c, NODE_CONST, t->offset, t->size);

    if (t->kind == TOKEN_INT && t->value.as.integer == INT64_MIN && !is_negated) {
        predicate_fail(p->c->error, t->offset, t->size, "the number is out of range");
        return NULL;
    }
    if (n != NULL) {
        n->value = t->value;
        n->is_literal = true;
    }
    return n;
}

static struct node *parse_primary(struct parser *p)
{
    struct node *children[NODE_CHILDREN_MAX];
    struct token t = p->token;
    uint32_t count = 0;
    struct node *n;

    switch (t.kind) {
    case TOKEN_INT:
    case TOKEN_DOUBLE:
    case TOKEN_TEXT:
        advance(p);
        return parse_literal(p, &t, false);
    case TOKEN_NAME:
        return parse_name(p);
    case TOKEN_SIGN:
        if (take_sign(p, "(")) {
            n = parse_expression(p);
            return n == NULL || take_sign(p, ")") ? n : fail_at(p, "`)`");
        }
        if (take_sign(p, "[")) {
            if (!parse_operands(p, "]", children, &count)) {
                return NULL;
            }
            n = join(p, NODE_LIST, children, count);
            if (n != NULL) {
                n->offset = t.offset;
            }
            return n;
        }
        return fail_at(p, "a value");
    case TOKEN_END:
        return fail_at(p, "a value");
    case TOKEN_BAD:
        break;
    }
    return NULL;
}

static struct node *parse_member(struct parser *p)
{
    struct node *n = parse_primary(p);

    while (n != NULL && take_sign(p, ".")) {
        struct node *children[NODE_CHILDREN_MAX] = { n };
        uint32_t offset = p->token.offset, size = p->token.size, count = 1;
        struct text name = token_text(p);
        bool is_call;

        if (p->token.kind != TOKEN_NAME) {
            return fail_at(p, "a name");
        }
        advance(p);
        is_call = take_sign(p, "(");
        if (is_call &&
            (is_foreign(p, name, offset, size) || !parse_operands(p, ")", children, &count))) {
            return NULL;
        }
        n = join(p, is_call ? NODE_METHOD : NODE_SELECT, children, count);
        if (n != NULL) {
            n->name = name;
            n->size = offset + size - n->offset;
        }
        if (p->c->node_count > PREDICATE_NODES_MAX) {
            return NULL;
        }
    }
    return n;
}

static struct node *parse_unary(struct parser *p)
{
    uint32_t offset = p->token.offset;
    enum node_kind kind = is_sign(p, "!") ? NODE_NOT : NODE_NEGATE;
    struct node *n;

    if (!is_sign(p, "!") && !is_sign(p, "-")) {
        return parse_member(p);
    }
    if (++p->c->depth > PREDICATE_DEPTH_MAX) {
        predicate_fail(p->c->error, offset, 1, "nested more than %d deep", PREDICATE_DEPTH_MAX);
        return NULL;
    }
    advance(p);
    if (kind == NODE_NEGATE && p->token.kind == TOKEN_INT &&
        p->token.value.as.integer == INT64_MIN) {
        struct token least = p->token;

        advance(p);
        n = parse_literal(p, &least, true);
    } else {
        n = parse_unary(p);
        n = n == NULL ? NULL : join(p, kind, &n, 1);
    }
    p->c->depth--;
    if (n != NULL) {
        n->size += n->offset - offset;
        n->offset = offset;
    }
    return n;
}

/* Binary operators of one level, left to right. */
static const struct {
    const char *sign;
    int level;
    enum node_kind kind;
    enum operator op;
} operators[] = {
    { "*", 2, NODE_ARITHMETIC, OP_MUL }, { "/", 2, NODE_ARITHMETIC, OP_DIV },
    { "%", 2, NODE_ARITHMETIC, OP_MOD }, { "+", 1, NODE_ARITHMETIC, OP_ADD },
    { "-", 1, NODE_ARITHMETIC, OP_SUB }, { "<=", 0, NODE_COMPARE, OP_LE },
    { ">=", 0, NODE_COMPARE, OP_GE },    { "==", 0, NODE_COMPARE, OP_EQ },
    { "!=", 0, NODE_COMPARE, OP_NE },    { "<", 0, NODE_COMPARE, OP_LT },
    { ">", 0, NODE_COMPARE, OP_GT },
};

static int operator_here(const struct parser *p, int level)
{
    for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++) {
        if (operators[i].level == level && is_sign(p, operators[i].sign)) {
            return (int)i;
        }
    }
    return -1;
}

static struct node *parse_binary(struct parser *p, int level)
{
    struct node *n = level == 3 ? parse_unary(p) : parse_binary(p, level + 1);

    while (n != NULL && level < 3) {
        int op = operator_here(p, level);
        bool is_in = level == 0 && p->token.kind == TOKEN_NAME && text_is(token_text(p), "in");
        struct node *pair[2] = { n };

        if (op < 0 && !is_in) {
            break;
        }
        advance(p);
        pair[1] = parse_binary(p, level + 1);
        n = join(p, is_in ? NODE_IN : operators[op].kind, pair, 2);
        if (n != NULL && !is_in) {
            n->op = operators[op].op;
        }
    }
    return n;
}

static struct node *parse_logic(struct parser *p, bool is_or)
{
    struct node *n = is_or ? parse_logic(p, false) : parse_binary(p, 0);

    while (n != NULL && take_sign(p, is_or ? "||" : "&&")) {
        struct node *pair[2] = { n };

        pair[1] = is_or ? parse_logic(p, false) : parse_binary(p, 0);
        n = join(p, is_or ? NODE_OR : NODE_AND, pair, 2);
    }
    return n;
}

static struct node *parse_expression(struct parser *p)
{
    struct node *parts[3];

    if (++p->c->depth > PREDICATE_DEPTH_MAX) {
        predicate_fail(p->c->error, p->token.offset, p->token.size, "nested more than %d deep",
                       PREDICATE_DEPTH_MAX);
        return NULL;
    }
    parts[0] = parse_logic(p, true);
    if (parts[0] != NULL && take_sign(p, "?")) {
        parts[1] = parse_logic(p, true);
        if (parts[1] == NULL || !take_sign(p, ":")) {
            return parts[1] == NULL ? NULL : fail_at(p, "`:`");
        }
        parts[2] = parse_expression(p);
        parts[0] = join(p, NODE_CHOOSE, parts, 3);
    }
    p->c->depth--;
    return parts[0];
}

struct node *predicate_parse(struct compile *c, struct text source)
{
    struct parser p = { .c = c, .lexer = { source, 0, c->arena, c->error } };
    struct node *n;

    CHECK(source.size <= PREDICATE_SOURCE_SIZE_MAX);
    advance(&p);
    n = parse_expression(&p);
    if (n != NULL && p.token.kind != TOKEN_END) {
        return fail_at(&p, "an operator or the end");
    }
    return n;
}
