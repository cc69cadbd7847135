/* See junk-params.h. */

#include "lib.h"
#include "array.h"
#include "buffer.h"
#include "sort.h"
#include "str.h"
#include "junk-ascii.h"
#include "junk-decode.h"
#include "junk-params.h"

/* Maximum parameters of a field, and parts of a parameter. */
#define MAX_PARAMS 500
#define MAX_PARTS 100

/* A part of a parameter: "name*NUMBER*=value". */
struct part {
	unsigned int number, idx;
	bool escaped;
	const char *value;
};

/* Returns TRUE for parameters whose value may contain spaces without being
   quoted. */
static bool name_is_text(const char *name)
{
	return strncmp(name, "name", 4) == 0 ||
		strncmp(name, "filename", 8) == 0;
}

static const char *quoted_value(const char **data)
{
	string_t *str = t_str_new(32);
	const char *p = *data + 1;

	for (; *p != '\0' && *p != '"'; p++) {
		if (*p == '\\' && p[1] != '\0')
			p++;
		str_append_c(str, *p);
	}
	if (*p == '"')
		p++;
	/* "invoice".exe */
	if (*p != ';' && *p > ' ')
		str_append_data(str, p, strcspn(p, "; \t\r\n"));
	*data = p;
	return str_c(str);
}

static const char *plain_value(const char **data, bool blanks)
{
	size_t size = strcspn(*data, blanks ? ";\r\n" : "; \t\r\n");
	const char *value = *data;

	*data += size;
	while (size > 0 && (unsigned char)value[size - 1] <= ' ')
		size--;
	return t_strndup(value, size);
}

/* Parse the next "; name=value". Returns FALSE at the end. */
static bool param_next(const char **data, struct junk_param *param_r)
{
	const char *p = strchr(*data, ';'), *name;

	if (p == NULL)
		return FALSE;
	p += strspn(p, "; \t\r\n");
	name = p;
	p += strcspn(p, "=; \t\r\n");
	param_r->name = t_str_lcase(t_strdup_until(name, p));
	param_r->value = "";
	p += strspn(p, " \t\r\n");
	if (*p == '=') {
		p++;
		p += strspn(p, " \t\r\n");
		param_r->value = *p == '"' ? quoted_value(&p) :
			plain_value(&p, name_is_text(param_r->name));
	}
	*data = p;
	return TRUE;
}

void junk_params_parse(const char *data, ARRAY_TYPE(junk_params) *params_r)
{
	struct junk_param param;

	t_array_init(params_r, 8);
	while (array_count(params_r) < MAX_PARAMS && param_next(&data, &param))
		array_push_back(params_r, &param);
}

/* Returns TRUE for a part of the parameter: "name*", "name*0" or "name*0*". */
static bool
part_parse(const struct junk_param *param, const char *name, struct part *part_r)
{
	const char *p = param->name;
	size_t len = strlen(name);

	if (strncmp(p, name, len) != 0 || p[len] != '*')
		return FALSE;
	p += len + 1;
	part_r->number = 0;
	part_r->escaped = *p == '\0';
	part_r->value = param->value;
	if (*p == '\0')
		return TRUE;
	for (; ascii_isdigit(*p); p++) {
		if (part_r->number < MAX_PARAMS)
			part_r->number = part_r->number * 10 + (*p - '0');
	}
	if (*p == '*') {
		part_r->escaped = TRUE;
		p++;
	}
	return *p == '\0';
}

static int part_cmp(const struct part *a, const struct part *b)
{
	return a->number != b->number ? (int)a->number - (int)b->number :
		(int)a->idx - (int)b->idx;
}

static void append_unescaped(buffer_t *dest, const char *value)
{
	int high, low;

	for (; *value != '\0'; value++) {
		if (*value == '%' &&
		    (high = ascii_hex_value(value[1])) >= 0 &&
		    (low = ascii_hex_value(value[2])) >= 0) {
			buffer_append_c(dest, high * 16 + low);
			value += 2;
		} else {
			buffer_append_c(dest, *value);
		}
	}
}

/* Read "utf-8'en'" before the first escaped part. Returns what follows. */
static const char *take_charset(const char *value, const char **charset_r)
{
	const char *end = strchr(value, '\''), *text;

	if (end == NULL || (text = strchr(end + 1, '\'')) == NULL)
		return value;
	*charset_r = t_strdup_until(value, end);
	return text + 1;
}

static const char *
parts_join(const struct part *p, unsigned int count,
	   struct junk_charsets *charsets)
{
	buffer_t *bytes = t_buffer_create(128);
	/* not on the data stack, since it grows inside of other frames */
	string_t *text = str_new(default_pool, 128);
	string_t *escaped = t_str_new(128);
	const char *charset = "", *value;

	for (unsigned int i = 0; i < count; i++) {
		/* of two parts with the same number, the first one counts */
		if (i > 0 && p[i].number == p[i - 1].number)
			continue;
		value = p[i].value;
		if (i == 0 && p[i].escaped)
			value = take_charset(value, &charset);
		if (p[i].escaped) {
			/* an escape may continue in the next part */
			str_append(escaped, value);
			continue;
		}
		append_unescaped(bytes, str_c(escaped));
		str_truncate(escaped, 0);
		buffer_append(bytes, value, strlen(value));
	}
	append_unescaped(bytes, str_c(escaped));
	junk_charset_decode(charsets, text, *charset == '\0' ? NULL : charset,
			    bytes->data, bytes->used);
	value = t_strdup(str_c(text));
	str_free(&text);
	return value;
}

const char *junk_params_get(const ARRAY_TYPE(junk_params) *params,
			    struct junk_charsets *charsets, const char *name)
{
	const struct junk_param *param, *plain = NULL;
	struct part parts[MAX_PARTS];
	unsigned int count = 0;
	const char *value;
	string_t *text;

	array_foreach(params, param) {
		if (strcmp(param->name, name) == 0) {
			if (plain == NULL)
				plain = param;
		} else if (count < MAX_PARTS &&
			   part_parse(param, name, &parts[count])) {
			parts[count].idx = count;
			count++;
		}
	}
	if (count > 0) {
		i_qsort(parts, count, sizeof(parts[0]), part_cmp);
		return parts_join(parts, count, charsets);
	}
	if (plain == NULL)
		return NULL;
	text = str_new(default_pool, 128);
	junk_decode_header(charsets, text, (const void *)plain->value,
			   strlen(plain->value));
	value = t_strdup(str_c(text));
	str_free(&text);
	return value;
}
