/* Message -> tokens.

   message-parser finds the parts; each text part is decoded as a whole
   (bounded) and goes through junk-html and junk-words. Headers go to
   junk-headers, MIME headers are read here.

   Invariant: tokens depend on nothing that delivery adds or changes. So bytes
   are counted in parts only, without the CRs of line ends, and a line that an
   MTA has broken at SMTP's limit is one line again. */

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
#include "junk-token-set.h"
#include "junk-words.h"
#include "junk-tokenizer.h"

#include <xxhash.h>

/* Bytes of a part before decoding: quoted-printable may triple them. */
#define MAX_RAW_BYTES (JUNK_MAX_TEXT_BYTES + JUNK_MAX_TEXT_BYTES / 2)
/* Bytes of an attachment (as encoded) that identify it. */
#define MAX_ATTACHMENT_BYTES 4096
/* Bytes of an archive, as base64, which has to lie where all is read. */
#define MAX_RAW_ARCHIVE_BYTES (JUNK_MAX_ARCHIVE_BYTES / 3 * 4)
#define MAX_ARCHIVE_OFFSET (JUNK_MAX_MESSAGE_BYTES - 2*MAX_RAW_ARCHIVE_BYTES)
/* Buffers begin with so many bytes. After a message that is larger than
   MAX_KEPT_BYTES they do so again: processes that wait for mail are many. */
#define BUFFER_BYTES (8*1024)
#define MAX_KEPT_BYTES (128*1024)

enum part_cte {
	PART_CTE_NONE,
	PART_CTE_QP,
	PART_CTE_BASE64,
};

enum part_kind {
	PART_OTHER,
	PART_TEXT,
	PART_HTML,
	PART_CONTAINER,
};

/* An attachment of which more than the beginning is looked at, for what is in it. */
enum part_archive {
	PART_ARCHIVE_UNKNOWN,
	PART_ARCHIVE_NO,
	PART_ARCHIVE_YES,
	/* more of it followed */
	PART_ARCHIVE_CUT,
};

/* Bytes of a file's name that are kept: of its end. */
#define MAX_FILENAME_BYTES 64

struct junk_tokenizer {
	/* kept from message to message */
	struct junk_charsets *charsets;
	pool_t parts_pool;
	buffer_t *raw, *decoded, *text, *value, *later;

	struct junk_token_set set;
	struct junk_headers headers;

	/* from here on all is 0 when a message begins */
	struct junk_words_stats stats;

	/* The part that is being read. The context of those that were begun
	   is their type. */
	struct message_part *part;
	/* of mime_fields */
	unsigned int fields_seen;
	bool in_body, html_name, attached;
	enum part_kind kind;
	enum part_cte cte;
	enum part_archive archive;
	char type[64], charset[40];
	/* clean (junk-filename.h) */
	char filename[MAX_FILENAME_BYTES];
	/* where the field's value goes on after a line that was broken */
	size_t broken[JUNK_MAX_HEADER_BYTES / JUNK_MAX_LINE_BYTES + 1];
	unsigned int broken_count;

	/* the outermost multipart/alternative around the part */
	const struct message_part *alternative;

	unsigned int part_count, archive_count;
	/* of the parts before this one */
	uoff_t parts_bytes;
	size_t text_bytes;
};

/* --- MIME headers --- */

static void copy_lower(char *dest, size_t dest_size, const char *src)
{
	/* what doesn't fit is cut off */
	(void)i_strocpy(dest, src, dest_size);
	str_lcase(dest);
}

/* What a boundary looks like tells the program that made it: runs of digits
   and of letters become 0 and a, but a long beginning of letters is kept. */
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
		 strcmp(ext, ".shtml") == 0 || strcmp(ext, ".xhtml") == 0);
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
	/* RFC 2045, 5.2: what is no type is text/plain */
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
};

/* Of several fields of one name the first counts, as it does in Dovecot. */
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
	/* not decoded: an encoded word may have any character */
	rfc822_parser_init(&parser, data, size, NULL);
	rfc822_skip_lwsp(&parser);
	mime_fields[i].add(ctx, &parser);
	rfc822_parser_deinit(&parser);
}

static bool part_is_inner_message(const struct message_part *part)
{
	return part->parent != NULL &&
		(part->parent->flags & MESSAGE_PART_FLAG_MESSAGE_RFC822) != 0;
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

/* A line of a field that goes on. One that is as long as SMTP allows was broken
   by an MTA: what follows the space of the next line belongs to it. */
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

/* The field's value as it was before its lines were broken. */
static const unsigned char *
header_value(struct junk_tokenizer *ctx, const struct message_header_line *hdr,
	     size_t *size_r)
{
	const unsigned char *data = hdr->full_value;
	size_t pos = 0;

	*size_r = hdr->full_value_len;
	if (hdr->continued && ctx->broken_count > 0) {
		buffer_set_used_size(ctx->raw, 0);
		for (unsigned int i = 0; i < ctx->broken_count; i++) {
			buffer_append(ctx->raw, data + pos,
				      ctx->broken[i] - pos);
			pos = ctx->broken[i] + 1;
		}
		buffer_append(ctx->raw, data + pos, *size_r - pos);
		data = ctx->raw->data;
		*size_r = ctx->raw->used;
		buffer_set_used_size(ctx->raw, 0);
	}
	*size_r = I_MIN(*size_r, JUNK_MAX_HEADER_BYTES);
	return data;
}

/* A line that isn't "name: value", as where no empty line ends the header: Postfix,
   and many who read it, take it for text. What mailbox files leave behind isn't. */
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
	if (hdr->continues) {
		header_line(ctx, hdr);
		return;
	}
	value = header_value(ctx, hdr, &size);

	T_BEGIN {
		if (ctx->part->parent == NULL)
			known = junk_headers_add(&ctx->headers, hdr->name,
						 value, size);
		if (strncasecmp(hdr->name, "Content-", 8) == 0) {
			mime_header(ctx, hdr->name, value, size);
			known = TRUE;
		} else if (part_is_inner_message(ctx->part) &&
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
	ctx->part = part;
	ctx->fields_seen = 0;
	ctx->in_body = ctx->html_name = ctx->attached = FALSE;
	ctx->kind = PART_TEXT;
	ctx->cte = PART_CTE_NONE;
	ctx->archive = PART_ARCHIVE_UNKNOWN;
	i_strocpy(ctx->type, "text/plain", sizeof(ctx->type));
	ctx->charset[0] = ctx->filename[0] = '\0';
	buffer_set_used_size(ctx->raw, 0);
	ctx->part_count++;
}

static enum part_kind part_kind(const struct junk_tokenizer *ctx)
{
	static const struct {
		const char *type;
		enum part_kind kind;
	} kinds[] = {
		{ "text/html", PART_HTML },
		{ "application/xhtml+xml", PART_HTML },
		{ "text/", PART_TEXT },
		/* that can't be taken apart */
		{ "multipart/", PART_TEXT },
		{ "message/", PART_TEXT },
	};

	if ((ctx->part->flags & (MESSAGE_PART_FLAG_MULTIPART |
				 MESSAGE_PART_FLAG_MESSAGE_RFC822)) != 0)
		return PART_CONTAINER;
	for (unsigned int i = 0; i < N_ELEMENTS(kinds); i++) {
		if (strncmp(ctx->type, kinds[i].type,
			    strlen(kinds[i].type)) == 0)
			return kinds[i].kind;
	}
	/* a file's name counts where the type says nothing else */
	return ctx->html_name && strncmp(ctx->type, "application/", 12) == 0 ?
		PART_HTML : PART_OTHER;
}

static void part_headers_end(struct junk_tokenizer *ctx)
{
	const struct message_part *parent = ctx->part->parent;
	struct junk_token_set *set = &ctx->set;

	ctx->in_body = TRUE;
	set->max = JUNK_MAX_GROUP_TOKENS;
	ctx->kind = part_kind(ctx);
	if (ctx->alternative == NULL &&
	    strcmp(ctx->type, "multipart/alternative") == 0)
		ctx->alternative = ctx->part;
	ctx->part->context = p_strdup(ctx->parts_pool, ctx->type);
	T_BEGIN {
		junk_token_set_add_str(set, JUNK_TOKEN_MEDIA_TYPE, ctx->type);
		if (ctx->charset[0] != '\0')
			junk_token_set_add_str(set, JUNK_TOKEN_CHARSET,
					       ctx->charset);
		junk_token_set_add_str(set, JUNK_TOKEN_MIME_SHAPE,
			t_strconcat(parent == NULL ? "" : parent->context,
				    ">", ctx->type, NULL));
		if (ctx->kind != PART_CONTAINER)
			junk_token_set_add_str(set, JUNK_TOKEN_MIME_SHAPE,
				t_strdup_printf("%s %d %s", ctx->type,
						(int)ctx->cte, ctx->charset));
	} T_END;
}

/* An MTA breaks a line at SMTP's limit and goes on after a space. */
static void join_broken_lines(buffer_t *raw)
{
	unsigned char *data = buffer_get_modifiable_data(raw, NULL);
	const unsigned char *end;
	size_t line = 0, from = 0, to = 0, i;

	while (raw->used - line > JUNK_MAX_LINE_BYTES) {
		/* lines are short: look for an end backwards */
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
			/* the space counts */
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

/* What a text looks like: whoever writes to somebody breaks lines, or doesn't,
   otherwise than a program that writes to everybody. */
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
	/* without line ends, which may be CRLF or LF */
	ctx->text_bytes += size - (ctx->stats.blanks - blanks);
}

/* Of alternatives clients show HTML, if there is some, and attached text is
   seldom seen: such words come last, lest they leave no room for others. */
static void text_later(struct junk_tokenizer *ctx, const buffer_t *text)
{
	buffer_append(ctx->later, text->data,
		      I_MIN(text->used,
			    JUNK_MAX_TEXT_BYTES - ctx->later->used));
	if (ctx->later->used < JUNK_MAX_TEXT_BYTES)
		buffer_append_c(ctx->later, '\n');
}

static void later_add(struct junk_tokenizer *ctx)
{
	ctx->alternative = NULL;
	text_add(ctx, ctx->later, FALSE);
	buffer_set_used_size(ctx->later, 0);
}

/* The bytes of what was read of the part, up to a size before decoding. */
static const buffer_t *part_bytes(struct junk_tokenizer *ctx, size_t raw_size)
{
	const buffer_t *raw = ctx->raw;

	if (ctx->cte == PART_CTE_NONE)
		return raw;
	raw_size = I_MIN(raw_size, raw->used);
	buffer_set_used_size(ctx->decoded, 0);
	if (ctx->cte == PART_CTE_QP)
		junk_decode_qp(ctx->decoded, raw->data, raw_size);
	else
		junk_decode_base64(ctx->decoded, raw->data, raw_size);
	return ctx->decoded;
}

/* What the bytes of a part are, and have in them. */
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

/* The part's text as UTF-8, to ctx->value */
static void part_decode(struct junk_tokenizer *ctx)
{
	const buffer_t *data;

	if (ctx->cte != PART_CTE_BASE64)
		join_broken_lines(ctx->raw);
	data = part_bytes(ctx, SIZE_MAX);
	/* its words are read as well: such bytes are no way to hide them */
	if (junk_attachment_is_binary(data->data, data->used))
		attachment_add(ctx, data, TRUE, ctx->raw->used < MAX_RAW_BYTES);
	buffer_set_used_size(ctx->value, 0);
	junk_charset_decode(ctx->charsets, ctx->value,
			    ctx->charset[0] == '\0' ? NULL : ctx->charset,
			    data->data,
			    I_MIN(data->used,
				  JUNK_MAX_TEXT_BYTES - ctx->text_bytes));
}

static void part_text(struct junk_tokenizer *ctx)
{
	part_decode(ctx);
	if (ctx->kind == PART_HTML) {
		buffer_set_used_size(ctx->text, 0);
		junk_html_add(&ctx->set, ctx->value->data,
			      I_MIN(ctx->value->used,
				    JUNK_MAX_TEXT_BYTES - ctx->text_bytes),
			      ctx->text);
		if (ctx->attached)
			text_later(ctx, ctx->text);
		else
			text_add(ctx, ctx->text, TRUE);
	} else if (ctx->alternative != NULL || ctx->attached) {
		text_later(ctx, ctx->value);
	} else {
		text_add(ctx, ctx->value, FALSE);
	}
}

/* Is there something to look for in the attachment that has begun? */
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

/* Of the first bytes without blanks: what breaks lines doesn't matter. */
static void attachment_hash(struct junk_tokenizer *ctx)
{
	const unsigned char *raw = ctx->raw->data;
	unsigned char head[MAX_ATTACHMENT_BYTES];
	size_t size = 0;
	uint64_t hash;

	for (size_t i = 0; i < ctx->raw->used && size < sizeof(head); i++) {
		if (raw[i] > ' ')
			head[size++] = raw[i];
	}
	hash = XXH3_64bits(head, size);
	T_BEGIN {
		junk_token_set_add_str(&ctx->set, JUNK_TOKEN_ATTACHMENT,
			t_strdup_printf("hash:%016"PRIx64, hash));
	} T_END;
}

static void part_attachment(struct junk_tokenizer *ctx)
{
	const buffer_t *data;

	attachment_hash(ctx);
	if (ctx->cte != PART_CTE_BASE64)
		join_broken_lines(ctx->raw);
	if (ctx->archive == PART_ARCHIVE_UNKNOWN)
		ctx->archive = part_archive(ctx);
	data = part_bytes(ctx, ctx->archive == PART_ARCHIVE_NO ?
			  MAX_ATTACHMENT_BYTES : SIZE_MAX);
	attachment_add(ctx, data, ctx->archive != PART_ARCHIVE_NO,
		       ctx->archive != PART_ARCHIVE_CUT);
}

/* Bytes of the parts that were read so far. */
static uoff_t bytes_read(const struct junk_tokenizer *ctx)
{
	const struct message_size *size = &ctx->part->body_size;

	/* a container's are its parts'. Virtual: with CRLF as line ends. */
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
		break;
	}
}

/* CRLF becomes LF. */
static void
append_lines(buffer_t *dest, const unsigned char *data, size_t size)
{
	const unsigned char *end = data + size, *cr, *last;

	if (dest->used > 0 && *data == '\n') {
		/* of a CRLF that came in two pieces */
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

/* Takes no more of a part than the limit allows. */
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

/* Bytes of the attachment, as encoded, that are needed still. */
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

/* base64: blanks say nothing. */
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
		/* without blanks: a line */
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
	} else if (ctx->kind != PART_CONTAINER) {
		body_lines(ctx, data, size, MAX_RAW_BYTES);
	}
}

/* Returns FALSE when no more of the message is read. */
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

/* A client that rewrites a message may change its MIME encoding, boundaries
   and Message-ID: what it says, who sent it and when remain. */
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

/* The sum doesn't depend on the order. */
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
	/* nothing that lasts: all such mail isn't one message */
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
	message_parser_deinit(&parser, &parts);
	p_clear(ctx->parts_pool);
}

/* --- the tokenizer --- */

static void tokenizer_buffers_init(struct junk_tokenizer *ctx)
{
	ctx->raw = buffer_create_dynamic(default_pool, BUFFER_BYTES);
	ctx->decoded = buffer_create_dynamic(default_pool, BUFFER_BYTES);
	ctx->text = buffer_create_dynamic(default_pool, BUFFER_BYTES);
	ctx->value = buffer_create_dynamic(default_pool, BUFFER_BYTES);
	ctx->later = buffer_create_dynamic(default_pool, BUFFER_BYTES);
}

static void tokenizer_buffers_deinit(struct junk_tokenizer *ctx)
{
	buffer_free(&ctx->raw);
	buffer_free(&ctx->decoded);
	buffer_free(&ctx->text);
	buffer_free(&ctx->value);
	buffer_free(&ctx->later);
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
	junk_token_set_init(&ctx->set, set);
	ctx->set.max = JUNK_MAX_HEADER_TOKENS;
	junk_headers_init(&ctx->headers, &ctx->set, ctx->charsets, ctx->value,
			  set);
}

static void tokenizer_end(struct junk_tokenizer *ctx, uoff_t size)
{
	if (size <= MAX_KEPT_BYTES)
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
		tokenizer_finish(tokenizer);
	} T_END;
	/* not in that frame: the pool may be the caller's */
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
