#include "parser/mime.h"

#include "mail/parsed.h"
#include "parser/readings.h"
#include "parser/scan.h"

static void walk_entity(
	struct mime_walk *w, struct scan *s, struct entity *e, const char *standard);

static void scan_rest(struct mime_walk *w, struct scan *s)
{
	struct span content = scan_content(s);

	if (content.n)
		w->handler->stray(w->ctx, content);
}

static void read_header(struct mime_walk *w, struct scan *s, struct header *h)
{
	scan_header(s, h);
	if (h->malformed)
		w->flags |= PARSE_MALFORMED;
	if (h->truncated)
		w->flags |= PARSE_HEADER_TRUNCATED;
}

/* One part of a multipart, or the message of a message part. */
static void walk_child(struct mime_walk *w, struct scan *s, const struct entity *parent,
	bool is_message, const char *standard)
{
	struct entity child = {
		.parent = parent,
		.depth = parent->depth + 1,
		.is_message = is_message,
		.alternative = w->alternative,
	};

	walk_entity(w, s, &child, standard);
}

/* The boundary is on top of the scan's stack; the scan is at its first line, and stops at a closing
 * line of it, at a boundary of a multipart around, at the end, or at the part that is one too
 * many. */
static void walk_parts(struct mime_walk *w, struct scan *s, const struct entity *e)
{
	const char *standard =
		strcmp(e->media.type, "multipart/digest") == 0 ? "message/rfc822" : "text/plain";
	unsigned level = s->depth;

	while (s->hit.level == level && !s->hit.last) {
		if (w->parts >= PARSED_PARTS_MAX) {
			w->flags |= PARSE_PARTS;
			return;
		}
		w->parts++;
		scan_skip_line(s);
		walk_child(w, s, e, false, standard);
	}
}

static void walk_multipart(struct mime_walk *w, struct scan *s, const struct entity *e)
{
	if (!scan_push(s, e->media.boundary)) {
		scan_rest(w, s);
		return;
	}
	unsigned level = s->depth;

	scan_rest(w, s);
	walk_parts(w, s, e);
	bool mine = s->hit.level == level;

	if (!mine)
		w->flags |= PARSE_MALFORMED; /* no closing line, or not one part */
	else if (s->hit.last)
		scan_skip_line(s);
	scan_pop(s);
	if (mine)
		scan_rest(w, s); /* behind the closing line, or beyond the limit of parts */
}

static void walk_nested(struct mime_walk *w, struct scan *s, const struct entity *e)
{
	const char *start = s->at;

	w->handler->nested_begin(w->ctx, e);
	walk_child(w, s, e, true, "text/plain");
	w->handler->nested_end(w->ctx, e, scan_since(s, start));
}

static bool is_encoded(const struct media *m)
{
	return m->encoding == GMIME_CONTENT_ENCODING_BASE64 ||
	       m->encoding == GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE ||
	       m->encoding == GMIME_CONTENT_ENCODING_UUENCODE;
}

static void walk_body(struct mime_walk *w, struct scan *s, const struct entity *e)
{
	bool multipart = media_is(&e->media, "multipart/");

	if (e->depth >= PARSED_DEPTH_MAX && (multipart || media_is_message(&e->media))) {
		w->flags |= PARSE_DEPTH;
		scan_rest(w, s);
	} else if (multipart && e->media.boundary) {
		walk_multipart(w, s, e);
	} else if (multipart) {
		w->flags |= PARSE_MALFORMED;
		scan_rest(w, s);
	} else if (media_is_message(&e->media) && !is_encoded(&e->media)) {
		walk_nested(w, s, e);
	} else {
		w->handler->leaf(w->ctx, e, scan_content(s));
	}
}

/* The entity once more, as another mail program would read it. */
static void walk_reading(struct mime_walk *w, const struct scan *body, const struct entity *e,
	const char *standard, const struct reading *r)
{
	struct scan again = *body;
	struct entity other = *e;
	bool was = w->alternative;

	media_read(&other.media, &e->header, standard, &r->choice);
	other.alternative = w->alternative = true;
	walk_body(w, &again, &other);
	w->alternative = was;
	media_deinit(&other.media);
}

/* Body first as most programs show it; then every other way. All start where the header ends. */
static void walk_readings(
	struct mime_walk *w, struct scan *s, struct entity *e, const char *standard)
{
	struct scan body = *s;
	CLEANUP(readings_deinit) struct readings others = { 0 };

	walk_body(w, s, e);
	struct span bytes = scan_since(s, body.at);

	readings_find(&others, e, bytes);
	for (size_t i = 0; i < others.n; i++) {
		w->flags |= PARSE_AMBIGUOUS;
		if (*w->budget < bytes.n)
			return;
		*w->budget -= bytes.n;
		walk_reading(w, &body, e, standard, &others.items[i]);
	}
	if (others.raw && *w->budget >= bytes.n) {
		w->flags |= PARSE_AMBIGUOUS;
		*w->budget -= bytes.n;
		w->handler->stray(w->ctx, bytes);
	}
}

static void walk_entity(struct mime_walk *w, struct scan *s, struct entity *e, const char *standard)
{
	static const struct media_choice usual = { 0 };

	read_header(w, s, &e->header);
	media_read(&e->media, &e->header, standard, &usual);
	w->flags |= e->media.flags;
	if (e->is_message)
		w->handler->message(w->ctx, e);
	walk_readings(w, s, e, standard);
	media_deinit(&e->media);
	header_deinit(&e->header);
}

void mime_walk_message(struct mime_walk *w, struct span bytes)
{
	struct scan s = { .at = bytes.at, .end = span_end(bytes) };
	struct entity top = { .is_message = true, .alternative = w->alternative };

	walk_entity(w, &s, &top, "text/plain");
}

void mime_walk_decoded(struct mime_walk *w, const struct entity *e, struct span bytes)
{
	struct scan s = { .at = bytes.at, .end = span_end(bytes) };
	struct entity plain = *e;
	bool was = w->alternative;

	if (e->depth >= PARSED_DEPTH_MAX || *w->budget < bytes.n) {
		w->flags |= PARSE_DEPTH;
		w->handler->stray(w->ctx, bytes);
		return;
	}
	*w->budget -= bytes.n;
	plain.media.encoding = GMIME_CONTENT_ENCODING_DEFAULT;
	plain.alternative = w->alternative = true;
	if (media_is_message(&plain.media))
		walk_child(w, &s, &plain, true, "text/plain");
	else
		walk_body(w, &s, &plain);
	w->alternative = was;
}
