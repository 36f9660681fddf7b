/* What an object store answers, or somebody between it and us. */
#include "store/store_s3_xml.h"

static int take(void *ctx, const struct s3_version *v)
{
	(void)ctx;
	return !v->key || !v->version;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct buf body = BUF_INIT((size_t)1 << 20);
	struct s3_page page = { 0 };
	struct err e;

	if (buf_add(&body, data, n) == 0) {
		free(s3_xml_text(&body, "Code"));
		if (s3_xml_versions(&body, take, NULL, &page, &e) >= 0)
			s3_page_deinit(&page);
	}
	buf_deinit(&body);
	return 0;
}
