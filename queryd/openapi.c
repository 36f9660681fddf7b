#include "queryd/openapi.h"

static const char text[] =
#include "queryd/openapi.inc"
	;

const char *openapi_text(size_t *n_r)
{
	*n_r = sizeof(text) - 1;
	return text;
}

void openapi_document(struct call *c)
{
	response_text(&c->response, text, sizeof(text) - 1);
}
