/* Message -> tokens.

   message-parser splits the message into parts. Each text part is decoded as a
   whole (within limits) and passed to junk-html and junk-words. Header fields
   are passed to junk-headers; MIME fields are read here.

   Invariant: tokens don't depend on anything that delivery adds or changes. So
   bytes are counted only in parts, without the CRs of line ends, and a line
   that an MTA has broken at SMTP's length limit is joined again. */

#include "lib.h"
#include "array.h"
#include "buffer.h"
#include "istream.h"
#include "str.h"
#include "message-parser.h"
#include "rfc822-parser.h"
#include "junk-archive.h"
#include "junk-ascii.h"
#include "junk-attachment.h"
#include "junk-decode.h"
#include "junk-filename.h"
#include "junk-headers.h"
#include "junk-html.h"
#include "junk-limits.h"
#include "junk-params.h"
#include "junk-text.h"
#include "junk-token-set.h"
#include "junk-words.h"
#include "junk-tokenizer.h"

#include <xxhash.h>

/* Bytes of plain text before decoding: quoted-printable may triple its size. */
#define MAX_RAW_BYTES (JUNK_MAX_TEXT_BYTES + JUNK_MAX_TEXT_BYTES / 2)
/* Bytes of an attachment (as encoded) from which its hash is made. */
#define MAX_ATTACHMENT_BYTES 4096
/* Bytes of an archive as base64. It must end before the part of a message that
   isn't read. */
#define MAX_RAW_ARCHIVE_BYTES (JUNK_MAX_ARCHIVE_BYTES / 3 * 4)
#define MAX_ARCHIVE_OFFSET (JUNK_MAX_MESSAGE_BYTES - 2*MAX_RAW_ARCHIVE_BYTES)
/* Initial size of buffers. They are also reset to it after a message that is
   larger than JUNK_MAX_KEPT_BYTES. */
#define BUFFER_BYTES (8*1024)
/* Bytes of a page in which its charset declaration is searched. */
#define MAX_META_BYTES 4096

enum part_cte {
	PART_CTE_NONE,
	PART_CTE_QP,
	PART_CTE_BASE64,
	PART_CTE_UU,
};

enum part_kind {
	PART_OTHER,
	PART_TEXT,
	PART_HTML,
	PART_CONTAINER,
};

/* Format of a text part other than plain text and HTML. */
enum part_format {
	FORMAT_NONE,
	/* HTML variants (AMP, watch), which few clients show in place of
	   HTML */
	FORMAT_OTHER_HTML,
	FORMAT_SVG,
	FORMAT_CALENDAR,
	FORMAT_ENRICHED,
	FORMAT_RTF,
};

/* Whether more than the beginning of an attachment is read, to search its
   content. */
enum part_archive {
	PART_ARCHIVE_UNKNOWN,
	PART_ARCHIVE_NO,
	PART_ARCHIVE_YES,
	/* the archive was longer than the limit */
	PART_ARCHIVE_CUT,
};

/* Bytes kept of a file's name, from its end. */
#define MAX_FILENAME_BYTES 64
/* Information about a part, in its message_part's context. */
struct part_info {
	const char *type;
	/* running number in the order in which parts begin: parts inside of an
	   open part have higher ones */
	unsigned int idx;
	bool alternative, related;
	/* hashes of the Content-ID, and of the root that a multipart/related
	   names in its start parameter; 0 = none */
	uint64_t id, start;
	/* the child that is the root, and whether that is certain */
	const struct message_part *root;
	bool root_certain;
	/* a message/rfc822 in base64 or uuencode; one in quoted-printable,
	   whose parts don't say so */
	bool encoded, qp;
};

/* A text that is held until it is known which alternative is shown. */
struct held_text {
	/* running number of its part */
	unsigned int idx;
	size_t size;
	bool html;
};

struct junk_tokenizer {
	/* reused for the next message */
	struct junk_charsets *charsets;
	pool_t parts_pool;
	buffer_t *raw, *decoded, *text, *value, *later, *held, *inner;

	struct junk_token_set set;
	struct junk_headers headers;

	/* everything from here on is zeroed for each message */
	struct junk_words_stats stats;

	/* The current part. */
	struct message_part *part;
	/* bits of the mime_fields seen so far */
	unsigned int fields_seen;
	bool in_body, html_name, attached, flowed_delsp;
	/* the part is in an encoded message */
	bool in_encoded;
	uint64_t id, start;
	enum part_kind kind;
	enum part_format format;
	enum part_cte cte;
	enum part_archive archive;
	char type[64], charset[40];
	/* result of junk_filename_clean() */
	char filename[MAX_FILENAME_BYTES];
	/* positions in a field's value where an MTA has broken the line */
	size_t broken[JUNK_MAX_HEADER_BYTES / JUNK_MAX_LINE_BYTES + 1];
	unsigned int broken_count;

	/* the outermost multipart around the part of which only one child is
	   shown */
	const struct message_part *alternative;
	struct held_text held_texts[JUNK_MAX_HELD_TEXTS];
	unsigned int held_count;

	/* sizes of decoded messages in inner, which are read after this one */
	size_t inner_sizes[JUNK_MAX_INNER_MESSAGES];
	unsigned int inner_count;
	/* one of these messages is being read */
	bool is_inner;

	unsigned int part_count, archive_count, styles;
	/* bytes of the parts before this one */
	uoff_t parts_bytes;
	size_t text_bytes;
};

/* --- MIME headers --- */

static void copy_lower(char *dest, size_t dest_size, const char *src)
{
	/* longer values are truncated */
	(void)i_strocpy(dest, src, dest_size);
	str_lcase(dest);
}

/* Add the shape of a boundary, which depends on the program that made it: runs
   of digits become 0, runs of letters a; 8 or more letters at the beginning are
   kept. */
static void boundary_tokens(struct junk_tokenizer *ctx, const char *boundary)
{
	string_t *str = t_str_new(64);
	size_t len = strcspn(boundary, "0123456789");
	char c, last = '\0';

	if (len >= 8)
		junk_token_set_add_str(&ctx->set, JUNK_TOKEN_MIME_SHAPE,
			t_strconcat("boundary:", t_strndup(boundary, len),
				    NULL));
	str_append(str, "boundary shape:");
	for (; *boundary != '\0' && str_len(str) < 40; boundary++) {
		c = ascii_shape(*boundary);
		if (c != last)
			str_append_c(str, c);
		last = c;
	}
	junk_token_set_add_str(&ctx->set, JUNK_TOKEN_MIME_SHAPE, str_c(str));
}

static bool name_is_html(const char *name)
{
	const char *ext = junk_filename_extension(name);

	return ext != NULL &&
		(strcmp(ext, ".html") == 0 || strcmp(ext, ".htm") == 0 ||
		 strcmp(ext, ".shtml") == 0 || strcmp(ext, ".xhtml") == 0 ||
		 strcmp(ext, ".svg") == 0);
}

static void filename_tokens(struct junk_tokenizer *ctx, const char *name)
{
	const char *clean = junk_filename_clean(name);
	size_t size = strlen(clean);

	ctx->html_name |= name_is_html(clean);
	junk_words_add(&ctx->set, JUNK_TOKEN_ATTACHMENT, "name:",
		       (const unsigned char *)name, strlen(name), NULL);
	junk_archive_add_extensions(&ctx->set, "", name);
	if (size >= sizeof(ctx->filename))
		clean += size - (sizeof(ctx->filename) - 1);
	i_strocpy(ctx->filename, clean, sizeof(ctx->filename));
}

static const char *
param_get(struct junk_tokenizer *ctx, const ARRAY_TYPE(junk_params) *params,
	  const char *name)
{
	return junk_params_get(params, ctx->charsets, name);
}

/* Returns the hash of an id without its brackets; 0 = none. */
static uint64_t content_id(const char *id)
{
	size_t len;

	id += strspn(id, " \t\r\n<");
	len = strcspn(id, " \t\r\n>");
	return len == 0 ? 0 : XXH3_64bits(id, len);
}

static void
params_tokens(struct junk_tokenizer *ctx,
	      const struct rfc822_parser_context *parser)
{
	ARRAY_TYPE(junk_params) params;
	const char *value;

	junk_params_parse(t_strdup_until(parser->data, parser->end), &params);
	if ((value = param_get(ctx, &params, "charset")) != NULL)
		copy_lower(ctx->charset, sizeof(ctx->charset), value);
	if ((value = param_get(ctx, &params, "boundary")) != NULL)
		boundary_tokens(ctx, value);
	if ((value = param_get(ctx, &params, "start")) != NULL)
		ctx->start = content_id(value);
	if ((value = param_get(ctx, &params, "delsp")) != NULL)
		ctx->flowed_delsp = strcasecmp(value, "yes") == 0;
	if ((value = param_get(ctx, &params, "name")) != NULL)
		filename_tokens(ctx, value);
	if ((value = param_get(ctx, &params, "filename")) != NULL)
		filename_tokens(ctx, value);
}

static void
content_type(struct junk_tokenizer *ctx, struct rfc822_parser_context *parser)
{
	string_t *type = t_str_new(64);

	(void)rfc822_parse_content_type(parser, type);
	/* RFC 2045, 5.2: an invalid type means text/plain */
	if (strchr(str_c(type), '/') != NULL)
		copy_lower(ctx->type, sizeof(ctx->type), str_c(type));
	params_tokens(ctx, parser);
}

static void
content_encoding(struct junk_tokenizer *ctx,
		 struct rfc822_parser_context *parser)
{
	string_t *name = t_str_new(32);

	(void)rfc822_parse_mime_token(parser, name);
	if (strcasecmp(str_c(name), "quoted-printable") == 0)
		ctx->cte = PART_CTE_QP;
	else if (strcasecmp(str_c(name), "base64") == 0)
		ctx->cte = PART_CTE_BASE64;
	else if (strcasecmp(str_c(name), "uuencode") == 0 ||
		 strcasecmp(str_c(name), "x-uuencode") == 0 ||
		 strcasecmp(str_c(name), "x-uue") == 0 ||
		 strcasecmp(str_c(name), "uue") == 0)
		ctx->cte = PART_CTE_UU;
}

static void
content_id_field(struct junk_tokenizer *ctx,
		 struct rfc822_parser_context *parser)
{
	ctx->id = content_id(t_strdup_until(parser->data, parser->end));
}

static void
content_disposition(struct junk_tokenizer *ctx,
		    struct rfc822_parser_context *parser)
{
	string_t *name = t_str_new(32);

	(void)rfc822_parse_mime_token(parser, name);
	junk_token_set_add_str(&ctx->set, JUNK_TOKEN_ATTACHMENT, str_c(name));
	ctx->attached = strcasecmp(str_c(name), "attachment") == 0;
	params_tokens(ctx, parser);
}

static const struct {
	const char *name;
	void (*add)(struct junk_tokenizer *ctx,
		    struct rfc822_parser_context *parser);
} mime_fields[] = {
	{ "Content-Type", content_type },
	{ "Content-Transfer-Encoding", content_encoding },
	{ "Content-Disposition", content_disposition },
	{ "Content-ID", content_id_field },
};

/* If a field occurs several times, the first one counts, as in Dovecot. */
static void
mime_header(struct junk_tokenizer *ctx, const char *name,
	    const unsigned char *data, size_t size)
{
	struct rfc822_parser_context parser;
	unsigned int i = 0;

	while (i < N_ELEMENTS(mime_fields) &&
	       strcasecmp(name, mime_fields[i].name) != 0)
		i++;
	if (i == N_ELEMENTS(mime_fields) || (ctx->fields_seen & (1 << i)) != 0)
		return;
	ctx->fields_seen |= 1 << i;
	/* the value isn't decoded before parsing, since an encoded word may
	   contain any character */
	rfc822_parser_init(&parser, data, size, NULL);
	rfc822_skip_lwsp(&parser);
	mime_fields[i].add(ctx, &parser);
	rfc822_parser_deinit(&parser);
}

static bool part_is_inner_message(const struct junk_tokenizer *ctx)
{
	const struct message_part *parent = ctx->part->parent;

	return parent == NULL ? ctx->is_inner :
		(parent->flags & MESSAGE_PART_FLAG_MESSAGE_RFC822) != 0;
}

static struct part_info *part_info(const struct message_part *part)
{
	return part->context;
}

/* Append a line of an encoded message, which the parser takes for a header. */
static void
encoded_line(struct junk_tokenizer *ctx, const struct message_header_line *hdr)
{
	if (ctx->raw->used >= JUNK_MAX_MESSAGE_BYTES - ctx->parts_bytes)
		return;
	buffer_append(ctx->raw, hdr->name, hdr->name_len);
	buffer_append(ctx->raw, hdr->middle, hdr->middle_len);
	buffer_append(ctx->raw, hdr->value, hdr->value_len);
	buffer_append_c(ctx->raw, '\n');
}

static void
inner_subject(struct junk_tokenizer *ctx, const unsigned char *data,
	      size_t size)
{
	buffer_set_used_size(ctx->value, 0);
	junk_decode_header(ctx->charsets, ctx->value, data, size);
	junk_words_add(&ctx->set, JUNK_TOKEN_BODY_WORD, "",
		       ctx->value->data, ctx->value->used, &ctx->stats);
}

/* Called for each line of a field but the last. An MTA has broken a line whose
   size is SMTP's limit: what follows the space of the next line belongs to
   it. */
static void header_line(struct junk_tokenizer *ctx, struct message_header_line *hdr)
{
	size_t size = hdr->value_len;

	if (!hdr->continued) {
		size += hdr->name_len + hdr->middle_len;
		ctx->broken_count = 0;
	}
	if (size == JUNK_MAX_LINE_BYTES && !hdr->no_newline &&
	    ctx->broken_count < N_ELEMENTS(ctx->broken))
		ctx->broken[ctx->broken_count++] = hdr->full_value_len;
	hdr->use_full_value = TRUE;
}

/* Returns a copy of the value in which broken lines are joined and tabs are
   spaces. It is valid until ctx->raw is used again. */
static const unsigned char *
header_copy(struct junk_tokenizer *ctx, const struct message_header_line *hdr,
	    unsigned int broken_count, size_t *size_r)
{
	const unsigned char *data = hdr->full_value;
	unsigned char *copy;
	size_t pos = 0;

	buffer_set_used_size(ctx->raw, 0);
	for (unsigned int i = 0; i < broken_count; i++) {
		buffer_append(ctx->raw, data + pos, ctx->broken[i] - pos);
		pos = ctx->broken[i] + 1;
	}
	buffer_append(ctx->raw, data + pos, hdr->full_value_len - pos);
	copy = buffer_get_modifiable_data(ctx->raw, size_r);
	for (size_t i = 0; i < *size_r; i++) {
		if (copy[i] == '\t')
			copy[i] = ' ';
	}
	buffer_set_used_size(ctx->raw, 0);
	return copy;
}

/* Returns the value of a field, which must not depend on how the input is split
   into blocks. The parser splits a field that is longer than the input buffer
   at its last blank, possibly the one after the colon, and replaces a tab at
   the beginning of a block by a space. So leading blanks are removed and all
   tabs become spaces. */
static const unsigned char *
header_value(struct junk_tokenizer *ctx, const struct message_header_line *hdr,
	     size_t *size_r)
{
	const unsigned int broken_count =
		hdr->continued ? ctx->broken_count : 0;
	const unsigned char *data = hdr->full_value;

	*size_r = hdr->full_value_len;
	if (broken_count > 0 ||
	    (*size_r > 0 && memchr(data, '\t', *size_r) != NULL))
		data = header_copy(ctx, hdr, broken_count, size_r);
	for (; *size_r > 0 && *data == ' '; data++)
		(*size_r)--;
	*size_r = I_MIN(*size_r, JUNK_MAX_HEADER_BYTES);
	return data;
}

/* Returns TRUE if a line isn't "name: value", e.g. because no empty line ends
   the header. Postfix and many readers take it for text. Remains of an mbox
   file ("From ") are excluded. */
static bool line_is_text(const struct message_header_line *hdr)
{
	if (strncmp(hdr->name, "From ", 5) == 0 ||
	    strncmp(hdr->name, ">From ", 6) == 0)
		return FALSE;
	return hdr->middle_len == 0 || *hdr->middle != ':' ||
		memchr(hdr->name, ' ', hdr->name_len) != NULL;
}

static void
text_line(struct junk_tokenizer *ctx, const struct message_header_line *hdr,
	  const unsigned char *value, size_t size)
{
	/* each line costs time even without text */
	if (ctx->text_bytes == JUNK_MAX_TEXT_BYTES)
		return;
	buffer_set_used_size(ctx->decoded, 0);
	buffer_append(ctx->decoded, hdr->name, hdr->name_len);
	buffer_append(ctx->decoded, hdr->middle, hdr->middle_len);
	buffer_append(ctx->decoded, value, size);
	buffer_set_used_size(ctx->value, 0);
	junk_charset_decode(ctx->charsets, ctx->value, NULL,
			    ctx->decoded->data, ctx->decoded->used);
	size = I_MIN(ctx->value->used,
		     JUNK_MAX_TEXT_BYTES - ctx->text_bytes);
	junk_words_add_body(&ctx->set, ctx->value->data, size, &ctx->stats);
	ctx->text_bytes += size;
}

static void
tokenizer_header(struct junk_tokenizer *ctx, struct message_header_line *hdr)
{
	const unsigned char *value;
	bool known = FALSE;
	size_t size;

	if (hdr->eoh)
		return;
	/* "name: value" isn't base64: clients read such a message as it is */
	if (ctx->in_encoded && ctx->raw->used == 0 && hdr->middle_len > 0 &&
	    *hdr->middle == ':')
		ctx->in_encoded = FALSE;
	if (ctx->in_encoded) {
		encoded_line(ctx, hdr);
		return;
	}
	if (hdr->continues) {
		header_line(ctx, hdr);
		return;
	}
	value = header_value(ctx, hdr, &size);

	T_BEGIN {
		if (ctx->part->parent == NULL && !ctx->is_inner)
			known = junk_headers_add(&ctx->headers, hdr->name,
						 value, size);
		if (ascii_tolower(*hdr->name) == 'c' &&
		    strncasecmp(hdr->name, "Content-", 8) == 0) {
			mime_header(ctx, hdr->name, value, size);
			known = TRUE;
		} else if (part_is_inner_message(ctx) &&
			   strcasecmp(hdr->name, "Subject") == 0) {
			inner_subject(ctx, value, size);
			known = TRUE;
		}
	} T_END;
	if (!known && line_is_text(hdr))
		text_line(ctx, hdr, value, size);
}

/* --- parts --- */

static bool
part_is_within(const struct message_part *part,
	       const struct message_part *outer)
{
	while (part != NULL && part != outer)
		part = part->parent;
	return part != NULL;
}

static void
part_begin(struct junk_tokenizer *ctx, struct message_part *part)
{
	const struct message_part *parent = part->parent;

	ctx->part = part;
	buffer_set_used_size(ctx->raw, 0);
	if (part_info(part) != NULL) {
		/* text between or after the parts of a container */
		ctx->in_body = TRUE;
		ctx->in_encoded = FALSE;
		ctx->kind = PART_CONTAINER;
		return;
	}
	ctx->fields_seen = 0;
	ctx->in_body = ctx->html_name = ctx->attached = FALSE;
	ctx->flowed_delsp = FALSE;
	ctx->in_encoded = parent != NULL && part_info(parent) != NULL &&
		part_info(parent)->encoded;
	ctx->id = ctx->start = 0;
	ctx->kind = PART_TEXT;
	ctx->format = FORMAT_NONE;
	ctx->cte = parent != NULL && part_info(parent) != NULL &&
		part_info(parent)->qp ? PART_CTE_QP : PART_CTE_NONE;
	ctx->archive = PART_ARCHIVE_UNKNOWN;
	i_strocpy(ctx->type, "text/plain", sizeof(ctx->type));
	ctx->charset[0] = ctx->filename[0] = '\0';
	ctx->part_count++;
}

static enum part_kind part_kind(struct junk_tokenizer *ctx)
{
	static const struct {
		const char *type;
		enum part_kind kind;
		enum part_format format;
	} kinds[] = {
		{ "text/html", PART_HTML, FORMAT_NONE },
		{ "application/xhtml+xml", PART_HTML, FORMAT_NONE },
		{ "text/x-amp-html", PART_HTML, FORMAT_OTHER_HTML },
		{ "text/watch-html", PART_HTML, FORMAT_OTHER_HTML },
		{ "image/svg+xml", PART_HTML, FORMAT_SVG },
		{ "text/calendar", PART_TEXT, FORMAT_CALENDAR },
		{ "application/ics", PART_TEXT, FORMAT_CALENDAR },
		{ "text/vcard", PART_TEXT, FORMAT_CALENDAR },
		{ "text/x-vcard", PART_TEXT, FORMAT_CALENDAR },
		{ "text/x-vcalendar", PART_TEXT, FORMAT_CALENDAR },
		{ "text/directory", PART_TEXT, FORMAT_CALENDAR },
		{ "text/enriched", PART_TEXT, FORMAT_ENRICHED },
		{ "text/richtext", PART_TEXT, FORMAT_ENRICHED },
		{ "text/rtf", PART_TEXT, FORMAT_RTF },
		{ "application/rtf", PART_TEXT, FORMAT_RTF },
		{ "application/x-rtf", PART_TEXT, FORMAT_RTF },
		{ "text/", PART_TEXT, FORMAT_NONE },
		/* a multipart or message that can't be parsed */
		{ "multipart/", PART_TEXT, FORMAT_NONE },
		{ "message/", PART_TEXT, FORMAT_NONE },
	};

	if ((ctx->part->flags & (MESSAGE_PART_FLAG_MULTIPART |
				 MESSAGE_PART_FLAG_MESSAGE_RFC822)) != 0)
		return PART_CONTAINER;
	for (unsigned int i = 0; i < N_ELEMENTS(kinds); i++) {
		if (strncmp(ctx->type, kinds[i].type,
			    strlen(kinds[i].type)) == 0) {
			ctx->format = kinds[i].format;
			return kinds[i].kind;
		}
	}
	/* the file's name decides if the type is unspecific */
	return ctx->html_name && strncmp(ctx->type, "application/", 12) == 0 ?
		PART_HTML : PART_OTHER;
}

/* Add tokens for the type of the part and of the one around it. */
static void part_type_tokens(struct junk_tokenizer *ctx)
{
	static const char *const ctes[] = { " 0 ", " 1 ", " 2 ", " 3 " };
	const struct message_part *parent = ctx->part->parent;
	struct junk_token_set *set = &ctx->set;

	junk_token_set_add_str(set, JUNK_TOKEN_MEDIA_TYPE, ctx->type);
	if (ctx->charset[0] != '\0')
		junk_token_set_add_str(set, JUNK_TOKEN_CHARSET, ctx->charset);
	junk_token_set_add_str(set, JUNK_TOKEN_MIME_SHAPE,
		t_strconcat(parent == NULL || part_info(parent) == NULL ? "" :
			    part_info(parent)->type, ">", ctx->type, NULL));
	if (ctx->kind != PART_CONTAINER) {
		junk_token_set_add_str(set, JUNK_TOKEN_MIME_SHAPE,
			t_strconcat(ctx->type, ctes[ctx->cte], ctx->charset,
				    NULL));
	}
}

static void part_headers_end(struct junk_tokenizer *ctx)
{
	struct part_info *info;

	ctx->in_body = TRUE;
	info = p_new(ctx->parts_pool, struct part_info, 1);
	ctx->part->context = info;
	info->idx = ctx->part_count;
	if (ctx->in_encoded) {
		/* parts that the parser finds in it are encoded as well */
		info->type = "";
		info->encoded = TRUE;
		return;
	}
	ctx->set.max = JUNK_MAX_GROUP_TOKENS;
	ctx->kind = part_kind(ctx);
	info->type = p_strdup(ctx->parts_pool, ctx->type);
	info->alternative = strcmp(ctx->type, "multipart/alternative") == 0;
	info->related = strcmp(ctx->type, "multipart/related") == 0;
	info->id = ctx->id;
	info->start = ctx->start;
	info->encoded = ctx->kind == PART_CONTAINER &&
		(ctx->part->flags & MESSAGE_PART_FLAG_MESSAGE_RFC822) != 0 &&
		(ctx->cte == PART_CTE_BASE64 || ctx->cte == PART_CTE_UU);
	info->qp = ctx->kind == PART_CONTAINER && ctx->cte == PART_CTE_QP &&
		((ctx->part->flags & MESSAGE_PART_FLAG_MESSAGE_RFC822) != 0 ||
		 (ctx->part->parent != NULL &&
		  part_info(ctx->part->parent)->qp));
	if (ctx->alternative == NULL &&
	    (info->alternative || (info->related && info->start != 0)))
		ctx->alternative = ctx->part;
	T_BEGIN {
		part_type_tokens(ctx);
	} T_END;
}

/* Join lines that an MTA has broken at SMTP's limit; it inserts a line end and
   a space. */
static void join_broken_lines(buffer_t *raw)
{
	unsigned char *data = buffer_get_modifiable_data(raw, NULL);
	const unsigned char *end;
	size_t line = 0, from = 0, to = 0, i;

	while (raw->used - line > JUNK_MAX_LINE_BYTES) {
		/* lines are usually short, so search for the line end
		   backwards */
		i = JUNK_MAX_LINE_BYTES;
		while (i > 0 && data[line + i - 1] != '\n')
			i--;
		line += i == 0 ? JUNK_MAX_LINE_BYTES : i;
		if (i > 0)
			continue;
		if (data[line] == '\n' && line + 1 < raw->used &&
		    data[line + 1] == ' ') {
			memmove(data + to, data + from, line - from);
			to += line - from;
			from = line + 2;
			/* the inserted space counts towards the next line */
			line++;
			continue;
		}
		end = memchr(data + line, '\n', raw->used - line);
		line = end == NULL ? raw->used : (size_t)(end - data) + 1;
	}
	if (from > 0) {
		memmove(data + to, data + from, raw->used - from);
		buffer_set_used_size(raw, to + raw->used - from);
	}
}

/* Add tokens for the layout: personal mail has other line lengths than mass
   mail. */
static void layout_tokens(struct junk_tokenizer *ctx, bool html)
{
	static const unsigned int lengths[] = { 72, 80, 100, 200 };
	unsigned int i = 0;

	while (i < N_ELEMENTS(lengths) && ctx->stats.longest_line > lengths[i])
		i++;
	junk_token_set_add_num(&ctx->set, JUNK_TOKEN_MIME_SHAPE,
			       html ? "html lines:" : "lines:", i);
	junk_token_set_add_num(&ctx->set, JUNK_TOKEN_MIME_SHAPE,
			       html ? "html !!:" : "!!:",
			       ctx->stats.shouts ? 1 : 0);
}

static void
text_add(struct junk_tokenizer *ctx, const buffer_t *text, bool html)
{
	size_t size = I_MIN(text->used,
			    JUNK_MAX_TEXT_BYTES - ctx->text_bytes);
	unsigned int blanks = ctx->stats.blanks;

	if (size == 0)
		return;
	junk_words_add_body(&ctx->set, text->data, size, &ctx->stats);
	layout_tokens(ctx, html);
	/* line ends aren't counted, since they may be CRLF or LF */
	ctx->text_bytes += size - (ctx->stats.blanks - blanks);
}

/* Append text that readers seldom see: attached text, and plain text if there
   is an HTML alternative. Its words are added last, so that they don't displace
   others. */
static void text_later(struct junk_tokenizer *ctx, const buffer_t *text)
{
	buffer_append(ctx->later, text->data,
		      I_MIN(text->used,
			    JUNK_MAX_TEXT_BYTES - ctx->later->used));
	if (ctx->later->used < JUNK_MAX_TEXT_BYTES)
		buffer_append_c(ctx->later, '\n');
}

/* Add HTML, which is in UTF-8. */
static void
html_add(struct junk_tokenizer *ctx, const unsigned char *data, size_t size,
	 enum junk_html_flags flags, bool later)
{
	buffer_set_used_size(ctx->text, 0);
	junk_html_add(&ctx->set, data, size, flags, &ctx->styles, ctx->text);
	if (later)
		text_later(ctx, ctx->text);
	else
		text_add(ctx, ctx->text, TRUE);
}

/* --- which alternatives are shown --- */

/* Remove held texts of the same kind that belong to the outer part and came
   before the inner one. kind: NULL = any. */
static void
held_forget(struct junk_tokenizer *ctx, const struct message_part *outer,
	    const struct message_part *inner, const struct held_text *kind)
{
	const unsigned int first = part_info(outer)->idx;
	const unsigned int end = part_info(inner)->idx;
	const struct held_text *held;
	unsigned int kept = 0;
	size_t from = 0, to = 0;

	for (unsigned int i = 0; i < ctx->held_count; i++) {
		held = &ctx->held_texts[i];
		from += held->size;
		if (held->idx > first && held->idx < end &&
		    (kind == NULL || held->html == kind->html))
			continue;
		if (to < from - held->size) {
			buffer_copy(ctx->held, to, ctx->held,
				    from - held->size, held->size);
		}
		to += held->size;
		ctx->held_texts[kept++] = *held;
	}
	ctx->held_count = kept;
	buffer_set_used_size(ctx->held, to);
}

/* Returns TRUE if this child of a multipart/related is its root, which is
   shown: the one that the start parameter names, else the first. */
static bool
related_shows(struct junk_tokenizer *ctx, const struct message_part *related,
	      const struct message_part *child)
{
	struct part_info *info = part_info(related);
	bool named = info->start == 0 ||
		part_info(child)->id == info->start;

	if (info->root == NULL || (!info->root_certain && named)) {
		if (info->root != NULL)
			held_forget(ctx, related, child, NULL);
		info->root = child;
		info->root_certain = named;
	}
	return info->root == child;
}

/* Returns TRUE if a text is shown, as far as is known by now. If so, it
   replaces earlier alternatives. */
static bool
text_is_shown(struct junk_tokenizer *ctx, const struct held_text *text)
{
	const struct message_part *part, *parent;

	for (part = ctx->part; (parent = part->parent) != NULL; part = parent) {
		if (part_info(parent)->related &&
		    !related_shows(ctx, parent, part))
			return FALSE;
	}
	for (part = ctx->part; (parent = part->parent) != NULL; part = parent) {
		if (ctx->held_count > 0 && part_info(parent)->alternative)
			held_forget(ctx, parent, part, text);
	}
	return TRUE;
}

/* Hold a text. Returns FALSE if the limit is reached. */
static bool
text_hold(struct junk_tokenizer *ctx, const struct held_text *text,
	  const buffer_t *data)
{
	if (ctx->held_count == JUNK_MAX_HELD_TEXTS ||
	    data->used > JUNK_MAX_MARKUP_BYTES - ctx->held->used)
		return FALSE;
	buffer_append(ctx->held, data->data, data->used);
	ctx->held_texts[ctx->held_count] = *text;
	ctx->held_texts[ctx->held_count++].size = data->used;
	return TRUE;
}

/* Add the held texts, HTML first, when their multipart ends. */
static void later_add(struct junk_tokenizer *ctx)
{
	const struct held_text *held;
	buffer_t text;
	size_t pos = 0;

	for (unsigned int i = 0; i < ctx->held_count; i++) {
		const unsigned char *data =
			CONST_PTR_OFFSET(ctx->held->data, pos);

		held = &ctx->held_texts[i];
		pos += held->size;
		if (held->html)
			html_add(ctx, data, held->size, 0, FALSE);
		else {
			buffer_create_from_const_data(&text, data, held->size);
			text_later(ctx, &text);
		}
	}
	ctx->held_count = 0;
	buffer_set_used_size(ctx->held, 0);
	ctx->alternative = NULL;
	text_add(ctx, ctx->later, FALSE);
	buffer_set_used_size(ctx->later, 0);
}

/* Returns TRUE if the part has more than its visible text. */
static bool part_has_markup(const struct junk_tokenizer *ctx)
{
	return ctx->kind == PART_HTML || ctx->format != FORMAT_NONE;
}

/* Decode the part's transfer encoding. raw_size: maximum number of bytes before
   decoding. */
static const buffer_t *part_bytes(struct junk_tokenizer *ctx, size_t raw_size)
{
	const buffer_t *raw = ctx->raw;

	if (ctx->cte == PART_CTE_NONE)
		return raw;
	raw_size = I_MIN(raw_size, raw->used);
	buffer_set_used_size(ctx->decoded, 0);
	switch (ctx->cte) {
	case PART_CTE_NONE:
		break;
	case PART_CTE_QP:
		junk_decode_qp(ctx->decoded, raw->data, raw_size);
		break;
	case PART_CTE_BASE64:
		junk_decode_base64(ctx->decoded, raw->data, raw_size);
		break;
	case PART_CTE_UU:
		junk_decode_uu(ctx->decoded, raw->data, raw_size);
		break;
	}
	return ctx->decoded;
}

/* Add tokens for the bytes of a part: its real type, and the content if
   deep. */
static void
attachment_add(struct junk_tokenizer *ctx, const buffer_t *data, bool deep,
	       bool whole)
{
	junk_attachment_add_type(&ctx->set, data->data, data->used,
				 ctx->filename);
	if (!deep || ctx->archive_count == JUNK_MAX_ARCHIVES)
		return;
	ctx->archive_count++;
	junk_attachment_add_content(&ctx->set, data->data,
				    I_MIN(data->used, JUNK_MAX_ARCHIVE_BYTES),
				    whole &&
				    data->used <= JUNK_MAX_ARCHIVE_BYTES);
}

/* Read the charset from the HTML itself, if the part doesn't declare one. */
static void
part_meta_charset(struct junk_tokenizer *ctx, const buffer_t *data)
{
	junk_html_charset(data->data, I_MIN(data->used, MAX_META_BYTES),
			  ctx->charset, sizeof(ctx->charset));
}

/* Decode a text part's transfer encoding. */
static const buffer_t *part_decode_transfer(struct junk_tokenizer *ctx)
{
	const buffer_t *data;

	if (ctx->cte != PART_CTE_BASE64)
		join_broken_lines(ctx->raw);
	data = part_bytes(ctx, SIZE_MAX);
	/* the words are added as well, so that binary bytes can't be used to
	   hide them */
	if (junk_attachment_is_binary(data->data, data->used))
		attachment_add(ctx, data, TRUE, ctx->raw->used < MAX_RAW_BYTES);
	return data;
}

/* Decode a text part to UTF-8, into ctx->value. */
static void part_decode(struct junk_tokenizer *ctx)
{
	const buffer_t *data = part_decode_transfer(ctx);
	size_t max = part_has_markup(ctx) ? JUNK_MAX_MARKUP_BYTES :
		JUNK_MAX_TEXT_BYTES - ctx->text_bytes;

	if (ctx->kind == PART_HTML && ctx->charset[0] == '\0')
		part_meta_charset(ctx, data);
	buffer_set_used_size(ctx->value, 0);
	junk_charset_decode(ctx->charsets, ctx->value,
			    ctx->charset[0] == '\0' ? NULL : ctx->charset,
			    data->data, I_MIN(data->used, max));
}

/* Add a uuencoded file in a text: its name like that of an attachment, and its
   content if it is text. */
static void
uu_file_add(struct junk_tokenizer *ctx, const struct junk_uu_file *file)
{
	bool html_name = ctx->html_name;

	T_BEGIN {
		filename_tokens(ctx, t_strndup(file->name, file->name_size));
	} T_END;
	ctx->html_name = html_name;
	buffer_set_used_size(ctx->decoded, 0);
	junk_decode_uu(ctx->decoded, file->start, file->end - file->start);
	if (memchr(ctx->decoded->data, '\0', ctx->decoded->used) != NULL)
		return;
	buffer_set_used_size(ctx->text, 0);
	junk_charset_decode(ctx->charsets, ctx->text, NULL, ctx->decoded->data,
			    ctx->decoded->used);
	text_later(ctx, ctx->text);
}

/* Remove the uuencoded files from a plain text. If there are any, the result is
   in ctx->raw. */
static const buffer_t *
part_without_files(struct junk_tokenizer *ctx, const buffer_t *text)
{
	const unsigned char *data = text->data, *end = data + text->used;
	struct junk_uu_file file;

	if (!junk_decode_find_uu(data, end, &file))
		return text;
	buffer_set_used_size(ctx->raw, 0);
	do {
		buffer_append(ctx->raw, data, file.start - data);
		uu_file_add(ctx, &file);
		data = file.end;
	} while (junk_decode_find_uu(data, end, &file));
	buffer_append(ctx->raw, data, end - data);
	return ctx->raw;
}

/* Returns the plain text of ctx->value, which may be in another buffer. */
static const buffer_t *part_plain_text(struct junk_tokenizer *ctx)
{
	const buffer_t *value = ctx->value;

	if (junk_text_remove_armor(ctx->value)) {
		junk_token_set_add_str(&ctx->set, JUNK_TOKEN_MIME_SHAPE,
				       "pgp:inline");
	}
	if (ctx->format == FORMAT_NONE && !ctx->flowed_delsp)
		return part_without_files(ctx, value);
	buffer_set_used_size(ctx->decoded, 0);
	switch (ctx->format) {
	case FORMAT_CALENDAR:
		buffer_set_used_size(ctx->raw, 0);
		junk_text_calendar(ctx->charsets, ctx->decoded, ctx->raw,
				   value->data, value->used);
		if (ctx->raw->used > 0) {
			html_add(ctx, ctx->raw->data, ctx->raw->used, 0, TRUE);
		}
		break;
	case FORMAT_ENRICHED:
		junk_text_enriched(ctx->decoded, value->data, value->used);
		break;
	case FORMAT_RTF:
		junk_text_rtf(ctx->charsets, ctx->decoded, value->data,
			      value->used);
		break;
	default:
		junk_text_flowed(ctx->decoded, value->data, value->used);
		break;
	}
	return ctx->decoded;
}

/* Add a hash of an attachment's first bytes. Blanks are skipped, so that the
   result doesn't depend on line breaks. */
static void attachment_hash(struct junk_tokenizer *ctx, const buffer_t *raw)
{
	const unsigned char *data = raw->data;
	unsigned char head[MAX_ATTACHMENT_BYTES];
	size_t size = 0;
	uint64_t hash;

	for (size_t i = 0; i < raw->used && size < sizeof(head); i++) {
		if (data[i] > ' ')
			head[size++] = data[i];
	}
	hash = XXH3_64bits(head, size);
	T_BEGIN {
		junk_token_set_add_str(&ctx->set, JUNK_TOKEN_ATTACHMENT,
			t_strdup_printf("hash:%016"PRIx64, hash));
	} T_END;
}

/* Add the hash of an attachment for a text part that other software treats as a
   file. */
static void part_file_hash(struct junk_tokenizer *ctx)
{
	const unsigned char *raw = ctx->raw->data;

	buffer_set_used_size(ctx->decoded, 0);
	for (size_t i = 0; i < ctx->raw->used &&
	     ctx->decoded->used < MAX_ATTACHMENT_BYTES; i++) {
		if (raw[i] > ' ')
			buffer_append_c(ctx->decoded, raw[i]);
	}
	attachment_hash(ctx, ctx->decoded);
}

static void part_text(struct junk_tokenizer *ctx)
{
	struct held_text text = {
		.idx = part_info(ctx->part)->idx,
		.html = ctx->kind == PART_HTML,
	};
	const buffer_t *data;
	bool later;

	if (strncmp(ctx->type, "text/", 5) != 0 &&
	    (ctx->format == FORMAT_SVG || ctx->format == FORMAT_RTF))
		part_file_hash(ctx);
	later = ctx->attached || ctx->format == FORMAT_OTHER_HTML ||
		ctx->format == FORMAT_SVG;
	/* an invitation is shown in addition to the text */
	if (!later && ctx->format != FORMAT_CALENDAR &&
	    !text_is_shown(ctx, &text))
		return;
	part_decode(ctx);
	if (!text.html)
		data = part_plain_text(ctx);
	else
		data = ctx->value;
	if (ctx->alternative != NULL && !later &&
	    ctx->format != FORMAT_CALENDAR && text_hold(ctx, &text, data))
		return;
	if (text.html) {
		html_add(ctx, data->data, data->used,
			 (later || strncmp(ctx->type, "text/", 5) != 0 ?
			  JUNK_HTML_FILE : 0) |
			 (ctx->format == FORMAT_SVG ? JUNK_HTML_FOREIGN : 0),
			 later);
	} else if (ctx->alternative != NULL || ctx->attached) {
		text_later(ctx, data);
	} else {
		text_add(ctx, data, FALSE);
	}
}

/* Decode an encoded message and keep it; it is read after this one. */
static void part_encoded(struct junk_tokenizer *ctx)
{
	size_t used = ctx->inner->used;

	if (ctx->inner_count == JUNK_MAX_INNER_MESSAGES || ctx->raw->used == 0)
		return;
	if (memcmp(ctx->raw->data, "begin ", I_MIN(ctx->raw->used, 6)) == 0)
		junk_decode_uu(ctx->inner, ctx->raw->data, ctx->raw->used);
	else
		junk_decode_base64(ctx->inner, ctx->raw->data, ctx->raw->used);
	ctx->inner_sizes[ctx->inner_count++] = ctx->inner->used - used;
}

/* Returns whether the attachment's content should be searched, by its first
   bytes. */
static enum part_archive part_archive(struct junk_tokenizer *ctx)
{
	const buffer_t *data;

	if (ctx->archive_count == JUNK_MAX_ARCHIVES ||
	    ctx->parts_bytes > MAX_ARCHIVE_OFFSET)
		return PART_ARCHIVE_NO;
	data = part_bytes(ctx, MAX_ATTACHMENT_BYTES);
	return junk_attachment_is_deep(data->data, data->used, ctx->type,
				       ctx->filename) ?
		PART_ARCHIVE_YES : PART_ARCHIVE_NO;
}

static void part_attachment(struct junk_tokenizer *ctx)
{
	const buffer_t *data;

	attachment_hash(ctx, ctx->raw);
	if (ctx->cte != PART_CTE_BASE64)
		join_broken_lines(ctx->raw);
	if (ctx->archive == PART_ARCHIVE_UNKNOWN)
		ctx->archive = part_archive(ctx);
	data = part_bytes(ctx, ctx->archive == PART_ARCHIVE_NO ?
			  MAX_ATTACHMENT_BYTES : SIZE_MAX);
	attachment_add(ctx, data, ctx->archive != PART_ARCHIVE_NO,
		       ctx->archive != PART_ARCHIVE_CUT);
}

/* Returns the number of bytes read in parts so far. */
static uoff_t bytes_read(const struct junk_tokenizer *ctx)
{
	const struct message_size *size = &ctx->part->body_size;

	/* The size of a container is that of its parts. The virtual size counts
	   line ends as CRLF, which is corrected here. */
	return ctx->parts_bytes + (ctx->kind == PART_CONTAINER ? 0 :
				   size->virtual_size - size->lines);
}

static void part_end(struct junk_tokenizer *ctx)
{
	if (ctx->part == NULL)
		return;
	if (!ctx->in_body)
		part_headers_end(ctx);
	ctx->parts_bytes = bytes_read(ctx);
	if (ctx->in_encoded) {
		part_encoded(ctx);
		return;
	}
	if (ctx->raw->used == 0 || ctx->text_bytes >= JUNK_MAX_TEXT_BYTES)
		return;
	switch (ctx->kind) {
	case PART_TEXT:
	case PART_HTML:
		part_text(ctx);
		break;
	case PART_OTHER:
		part_attachment(ctx);
		break;
	case PART_CONTAINER:
		/* a multipart without any boundary */
		if (ctx->part->children == NULL)
			part_text(ctx);
		break;
	}
}

/* Append lines, with CRLF converted to LF. */
static void
append_lines(buffer_t *dest, const unsigned char *data, size_t size)
{
	const unsigned char *end = data + size, *cr, *last;

	if (dest->used > 0 && *data == '\n') {
		/* a CRLF may be split across two blocks */
		last = CONST_PTR_OFFSET(dest->data, dest->used - 1);
		if (*last == '\r')
			buffer_set_used_size(dest, dest->used - 1);
	}
	while ((cr = memchr(data, '\r', end - data)) != NULL) {
		last = cr + 1 < end && cr[1] == '\n' ? cr : cr + 1;
		buffer_append(dest, data, last - data);
		data = cr + 1;
	}
	buffer_append(dest, data, end - data);
}

/* Append body lines up to the size limit of the part. */
static void
body_lines(struct junk_tokenizer *ctx, const unsigned char *data, size_t size,
	   size_t max_size)
{
	uoff_t left = I_MIN(JUNK_MAX_MESSAGE_BYTES - ctx->parts_bytes,
			    max_size);

	if (ctx->raw->used >= left)
		return;
	append_lines(ctx->raw, data, size);
	if (ctx->raw->used > left)
		buffer_set_used_size(ctx->raw, left);
}

/* Returns how many more bytes of the attachment, as encoded, are needed. */
static size_t attachment_left(struct junk_tokenizer *ctx)
{
	if (ctx->raw->used < MAX_ATTACHMENT_BYTES)
		return MAX_ATTACHMENT_BYTES - ctx->raw->used;
	if (ctx->archive == PART_ARCHIVE_UNKNOWN)
		ctx->archive = part_archive(ctx);
	if (ctx->archive != PART_ARCHIVE_YES)
		return 0;
	if (ctx->raw->used == MAX_RAW_ARCHIVE_BYTES)
		ctx->archive = PART_ARCHIVE_CUT;
	return MAX_RAW_ARCHIVE_BYTES - ctx->raw->used;
}

/* Append base64 data without white space. */
static void
body_attachment(struct junk_tokenizer *ctx, const unsigned char *data,
		size_t size)
{
	const unsigned char *end = data + size, *run;
	size_t left;

	while (data < end) {
		if (*data <= ' ') {
			data++;
			continue;
		}
		left = attachment_left(ctx);
		if (left == 0)
			break;
		/* a run without white space is usually a whole line */
		run = data;
		while (data < end && *data > ' ' && left-- > 0)
			data++;
		buffer_append(ctx->raw, run, data - run);
	}
}

static void
tokenizer_body(struct junk_tokenizer *ctx, const unsigned char *data, size_t size)
{
	if (ctx->kind == PART_OTHER && ctx->cte == PART_CTE_BASE64) {
		body_attachment(ctx, data, size);
	} else if (ctx->kind == PART_OTHER) {
		body_lines(ctx, data, size, MAX_RAW_ARCHIVE_BYTES);
		if (ctx->raw->used == MAX_RAW_ARCHIVE_BYTES &&
		    ctx->archive == PART_ARCHIVE_UNKNOWN &&
		    part_archive(ctx) == PART_ARCHIVE_YES)
			ctx->archive = PART_ARCHIVE_CUT;
	} else if (ctx->kind != PART_CONTAINER ||
		   ctx->part->children == NULL) {
		body_lines(ctx, data, size, part_has_markup(ctx) ?
			   JUNK_MAX_MARKUP_BYTES : MAX_RAW_BYTES);
	}
}

/* Process a block of the parser. Returns FALSE when the limit is reached. */
static bool tokenizer_block(struct junk_tokenizer *ctx, struct message_block *block)
{
	if (block->part != ctx->part) {
		part_end(ctx);
		if (ctx->parts_bytes >= JUNK_MAX_MESSAGE_BYTES) {
			ctx->part = NULL;
			return FALSE;
		}
		if (ctx->alternative != NULL &&
		    !part_is_within(block->part, ctx->alternative))
			later_add(ctx);
		part_begin(ctx, block->part);
	}
	/* each block belongs to a part */
	i_assert(ctx->part != NULL);
	if (block->hdr != NULL)
		tokenizer_header(ctx, block->hdr);
	else if (block->size == 0)
		part_headers_end(ctx);
	else
		tokenizer_body(ctx, block->data, block->size);
	return bytes_read(ctx) < JUNK_MAX_MESSAGE_BYTES;
}

/* --- the message as a whole --- */

static void script_tokens(struct junk_tokenizer *ctx)
{
	const struct junk_words_stats *stats = &ctx->stats;
	struct junk_token_set *set = &ctx->set;
	const struct {
		const char *name;
		unsigned int bytes;
	} scripts[] = {
		{ "latin", stats->latin }, { "greek", stats->greek },
		{ "cyrillic", stats->cyrillic }, { "pairs", stats->pairs },
		{ "other", stats->other },
	};
	unsigned int total = 0;

	for (unsigned int i = 0; i < N_ELEMENTS(scripts); i++)
		total += scripts[i].bytes;
	for (unsigned int i = 0; i < N_ELEMENTS(scripts); i++) {
		if (scripts[i].bytes > 0 && i > 0)
			junk_token_set_add_num(set, JUNK_TOKEN_SCRIPT,
				scripts[i].name,
				(uint64_t)scripts[i].bytes * 4 / total);
	}
	if (total > 0)
		junk_token_set_add_num(set, JUNK_TOKEN_SCRIPT, "capitals:",
			I_MIN((uint64_t)stats->capitals * 16 / total, 8));
	if (stats->lookalikes > 0)
		junk_token_set_add_log2(set, JUNK_TOKEN_SCRIPT, "mixed:",
					stats->lookalikes);
	if (stats->spaced > 0)
		junk_token_set_add_log2(set, JUNK_TOKEN_SCRIPT, "spaced:",
					stats->spaced);
	if (stats->unseen > 0)
		junk_token_set_add_log2(set, JUNK_TOKEN_INVISIBLE, "unseen:",
					stats->unseen);
}

static void tokenizer_finish(struct junk_tokenizer *ctx)
{
	struct junk_token_set *set = &ctx->set;

	junk_headers_finish(&ctx->headers);
	script_tokens(ctx);
	junk_token_set_add_log2(set, JUNK_TOKEN_MIME_SHAPE, "parts:",
				ctx->part_count);
	junk_token_set_add_log2(set, JUNK_TOKEN_SIZE, "text:",
				ctx->text_bytes);
	if (ctx->stats.urls > 0)
		junk_token_set_add_log2(set, JUNK_TOKEN_SIZE, "urls:",
					ctx->stats.urls);
}

/* A client that rewrites a message may change its MIME encoding, boundaries and
   Message-ID. The tokens for which this returns TRUE are kept. */
static bool token_is_lasting(junk_token_t token)
{
	switch (junk_token_class(token)) {
	case JUNK_TOKEN_BODY_WORD:
	case JUNK_TOKEN_SUBJECT_WORD:
	case JUNK_TOKEN_SENDER_ADDRESS:
	case JUNK_TOKEN_URL_HOST:
		return TRUE;
	default:
		return FALSE;
	}
}

/* Add tokens to a digest; the sum doesn't depend on their order. */
static void
digest_add(const struct junk_message *msg, bool all, uint64_t sum[3])
{
	const junk_token_t *token;

	array_foreach(&msg->tokens, token) {
		if (!all && !token_is_lasting(*token))
			continue;
		sum[1] += XXH3_64bits_withSeed(token, sizeof(*token), 1);
		sum[2] += XXH3_64bits_withSeed(token, sizeof(*token), 2);
	}
}

void junk_message_digest(const struct junk_message *msg,
			 unsigned char digest_r[JUNK_DIGEST_BYTES])
{
	uint64_t sum[3] = { msg->date_hash, 0, 0 };

	digest_add(msg, FALSE, sum);
	/* without a Date and such tokens, different messages would be equal */
	if (sum[0] == 0 && sum[1] == 0)
		digest_add(msg, TRUE, sum);
	uint64_t first = XXH3_64bits_withSeed(sum, sizeof(sum), 1);
	uint64_t second = XXH3_64bits_withSeed(sum, sizeof(sum), 2);
	/* @UNSAFE */
	memcpy(digest_r, &first, sizeof(first));
	memcpy(digest_r + sizeof(first), &second, sizeof(second));
}

static void
tokenizer_result(struct junk_tokenizer *ctx, pool_t pool,
		 struct junk_message *msg_r)
{
	const struct junk_token_set *set = &ctx->set;
	unsigned int count = 0;

	for (unsigned int i = 0; i < JUNK_TOKEN_GROUP_COUNT; i++)
		count += set->count[i];
	p_array_init(&msg_r->tokens, pool, I_MAX(count, 1));
	for (unsigned int i = 0; i < JUNK_TOKEN_GROUP_COUNT; i++) {
		array_append(&msg_r->tokens, set->tokens[i], set->count[i]);
		msg_r->group_count[i] = set->count[i];
	}
	msg_r->date_hash = ctx->headers.date_hash;
}

static void
tokenizer_parse(struct junk_tokenizer *ctx, struct istream *input)
{
	const struct message_parser_settings parser_set = {
		.hdr_flags = MESSAGE_HEADER_PARSER_FLAG_SKIP_INITIAL_LWSP |
			MESSAGE_HEADER_PARSER_FLAG_DROP_CR |
			MESSAGE_HEADER_PARSER_FLAG_CLEAN_ONELINE,
		.flags = MESSAGE_PARSER_FLAG_INCLUDE_MULTIPART_BLOCKS,
		.max_nested_mime_parts = JUNK_MAX_MIME_NESTING,
		.max_total_mime_parts = JUNK_MAX_MIME_PARTS,
	};
	struct message_parser_ctx *parser;
	struct message_block block;
	struct message_part *parts;

	parser = message_parser_init(ctx->parts_pool, input, &parser_set);
	while (message_parser_parse_next_block(parser, &block) > 0 &&
	       tokenizer_block(ctx, &block)) ;
	part_end(ctx);
	later_add(ctx);
	ctx->part = NULL;
	message_parser_deinit(&parser, &parts);
	p_clear(ctx->parts_pool);
}

/* Read the encoded messages that were found in this one. */
static void tokenizer_parse_inner(struct junk_tokenizer *ctx)
{
	buffer_t *data = buffer_create_dynamic(default_pool, 1024);
	struct istream *input;
	size_t pos = 0;

	ctx->is_inner = TRUE;
	for (unsigned int i = 0; i < ctx->inner_count; i++) {
		if (ctx->parts_bytes >= JUNK_MAX_MESSAGE_BYTES)
			break;
		/* ctx->inner may grow when a message is found inside */
		buffer_set_used_size(data, 0);
		buffer_append(data, CONST_PTR_OFFSET(ctx->inner->data, pos),
			      ctx->inner_sizes[i]);
		pos += ctx->inner_sizes[i];
		input = i_stream_create_from_buffer(data);
		tokenizer_parse(ctx, input);
		i_stream_unref(&input);
	}
	buffer_free(&data);
}

/* --- the tokenizer --- */

static void tokenizer_buffers_init(struct junk_tokenizer *ctx)
{
	ctx->raw = buffer_create_dynamic(default_pool, BUFFER_BYTES);
	ctx->decoded = buffer_create_dynamic(default_pool, BUFFER_BYTES);
	ctx->text = buffer_create_dynamic(default_pool, BUFFER_BYTES);
	ctx->value = buffer_create_dynamic(default_pool, BUFFER_BYTES);
	ctx->later = buffer_create_dynamic(default_pool, BUFFER_BYTES);
	ctx->held = buffer_create_dynamic(default_pool, BUFFER_BYTES);
	ctx->inner = buffer_create_dynamic(default_pool, 1024);
}

static void tokenizer_buffers_deinit(struct junk_tokenizer *ctx)
{
	buffer_free(&ctx->raw);
	buffer_free(&ctx->decoded);
	buffer_free(&ctx->text);
	buffer_free(&ctx->value);
	buffer_free(&ctx->later);
	buffer_free(&ctx->held);
	buffer_free(&ctx->inner);
}

struct junk_tokenizer *junk_tokenizer_init(void)
{
	struct junk_tokenizer *ctx = i_new(struct junk_tokenizer, 1);

	ctx->charsets = junk_charsets_init();
	ctx->parts_pool = pool_alloconly_create("junk parts", 4096);
	tokenizer_buffers_init(ctx);
	return ctx;
}

void junk_tokenizer_deinit(struct junk_tokenizer **_tokenizer)
{
	struct junk_tokenizer *ctx = *_tokenizer;

	if (ctx == NULL)
		return;
	*_tokenizer = NULL;
	tokenizer_buffers_deinit(ctx);
	pool_unref(&ctx->parts_pool);
	junk_charsets_deinit(&ctx->charsets);
	i_free(ctx);
}

static void
tokenizer_begin(struct junk_tokenizer *ctx,
		const struct junk_tokenizer_settings *set)
{
	memset(&ctx->stats, 0,
	       sizeof(*ctx) - offsetof(struct junk_tokenizer, stats));
	ctx->styles = JUNK_MAX_STYLES;
	buffer_set_used_size(ctx->inner, 0);
	junk_charsets_begin(ctx->charsets);
	junk_token_set_init(&ctx->set, set);
	ctx->set.max = JUNK_MAX_HEADER_TOKENS;
	junk_headers_init(&ctx->headers, &ctx->set, ctx->charsets, ctx->value,
			  set);
}

static void tokenizer_end(struct junk_tokenizer *ctx, uoff_t size)
{
	if (size <= JUNK_MAX_KEPT_BYTES)
		return;
	tokenizer_buffers_deinit(ctx);
	tokenizer_buffers_init(ctx);
}

int junk_tokenizer_read(struct junk_tokenizer *tokenizer, struct istream *input,
			const struct junk_tokenizer_settings *set, pool_t pool,
			struct junk_message *msg_r, const char **error_r)
{
	struct istream *limited =
		i_stream_create_limit(input, JUNK_MAX_READ_BYTES);
	int ret = 0;

	i_zero(msg_r);
	tokenizer_begin(tokenizer, set);
	T_BEGIN {
		tokenizer_parse(tokenizer, limited);
		tokenizer_parse_inner(tokenizer);
		tokenizer_finish(tokenizer);
	} T_END;
	/* outside of the data stack frame, since the pool may be the
	   caller's */
	tokenizer_result(tokenizer, pool, msg_r);
	msg_r->size_bytes = limited->v_offset;
	tokenizer_end(tokenizer, msg_r->size_bytes);
	if (limited->stream_errno != 0) {
		*error_r = t_strdup_printf("read(%s) failed: %s",
					   i_stream_get_name(limited),
					   i_stream_get_error(limited));
		ret = -1;
	}
	i_stream_unref(&limited);
	return ret;
}

int junk_tokenize(struct istream *input,
		  const struct junk_tokenizer_settings *set, pool_t pool,
		  struct junk_message *msg_r, const char **error_r)
{
	struct junk_tokenizer *tokenizer = junk_tokenizer_init();
	int ret = junk_tokenizer_read(tokenizer, input, set, pool, msg_r,
				      error_r);

	junk_tokenizer_deinit(&tokenizer);
	return ret;
}
