#include "processor/base/err.h"

#include "processor/base/check.h"

static const struct {
    const char *text;
    enum err_action action;
} errors[ERR__COUNT] = {
#define ERR_ROW(name, action_name, text) [name] = { text, ERR_ACTION_##action_name },
    ERR_MAP(ERR_ROW)
#undef ERR_ROW
};

const char *err_text(enum err e)
{
    CHECK(e < ERR__COUNT);
    return errors[e].text;
}

enum err_action err_action(enum err e)
{
    CHECK(e < ERR__COUNT);
    return errors[e].action;
}
