#include "lib.h"
#include "str.h"
#include "junk-ascii.h"
#include "junk-limits.h"
#include "junk-html-sheet.h"

#include <stdlib.h>
#include <xxhash.h>

/* Steps of a selector from one element to one around it. */
#define MAX_STEPS 4
#define BUCKETS 256
/* Rules that hold for one element. */
#define MAX_MATCHES 32
/* Pixels of a usual window: media queries for others don't hold. */
#define MIN_WINDOW 640
#define MAX_WINDOW 1024

struct sheet_step {
	struct junk_sheet_names names;
	/* the element around it is its parent */
	bool child;
};

struct sheet_rule {
	struct junk_style style;
	/* the element's own first */
	struct sheet_step steps[MAX_STEPS];
	unsigned int step_count;
	/* ids, classes and elements: in which order rules count */
	unsigned int specificity;
	/* index + 1 of the next one in its bucket */
	unsigned int next;
};

struct junk_sheet {
	struct sheet_rule *rules;
	unsigned int count, size;
	/* index + 1 of the last rule of a name: of the id, or a class, or the
	   element */
	uint16_t buckets[BUCKETS];
	/* of "*" */
	unsigned int any;
	/* how many more rules are looked at */
	unsigned int work;
	bool unknown;
};

uint32_t junk_sheet_hash(const char *name)
{
	uint32_t hash = (uint32_t)XXH3_64bits(name, strlen(name));

	return hash == 0 ? 1 : hash;
}

void junk_sheet_set_classes(struct junk_sheet_names *names, char *value)
{
	unsigned int count = 0;
	size_t len;
	char *next;

	str_lcase(value);
	for (; count < JUNK_SHEET_CLASSES; value = next) {
		value += strspn(value, " \t\r\n\f");
		len = strcspn(value, " \t\r\n\f");
		if (len == 0)
			break;
		next = value + len;
		if (*next != '\0')
			*next++ = '\0';
		names->classes[count++] = junk_sheet_hash(value);
	}
}

/* --- reading --- */

/* "min-width: 600px" and the like. Others don't hold. */
static bool media_feature_holds(const char *feature)
{
	double num;
	size_t len = strcspn(feature, ":");
	const char *value = feature + len;

	if (*value == ':')
		value++;
	num = strtod(value, NULL);
	if (strncmp(feature, "min-width", 9) == 0 ||
	    strncmp(feature, "min-device-width", 16) == 0)
		return num <= MIN_WINDOW;
	if (strncmp(feature, "max-width", 9) == 0 ||
	    strncmp(feature, "max-device-width", 16) == 0)
		return num >= MAX_WINDOW;
	return strncmp(feature, "-webkit-min-device-pixel-ratio", 30) == 0 &&
		num <= 1;
}

/* One query of a list, in lower case */
static bool media_query_holds(const char *query, const char *end)
{
	static const char *const types[] = {
		"all", "and", "only", "screen", NULL
	};

	while (query < end) {
		size_t len;

		query += strspn(query, " ");
		if (query >= end)
			break;
		if (*query == '(') {
			query++;
			query += strspn(query, " ");
			if (!media_feature_holds(query))
				return FALSE;
			query += strcspn(query, ")");
			if (*query == ')')
				query++;
			continue;
		}
		len = strcspn(query, " (,");
		if (!str_array_find(types, t_strndup(query, len)))
			return FALSE;
		query += len;
	}
	return TRUE;
}

bool junk_sheet_media(const char *query)
{
	size_t len;

	query = t_str_lcase(query);
	if (query[strspn(query, " ")] == '\0')
		return TRUE;
	do {
		len = strcspn(query, ",");
		if (media_query_holds(query, query + len))
			return TRUE;
		query += len;
	} while (*query++ == ',');
	return FALSE;
}

static uint32_t name_read(const char **p)
{
	size_t len = 0;
	uint32_t hash;

	while (ascii_isalnum((*p)[len]) || (*p)[len] == '-' ||
	       (*p)[len] == '_' || ((*p)[len] & 0x80) != 0)
		len++;
	if (len == 0)
		return 0;
	hash = junk_sheet_hash(t_strndup(*p, len));
	*p += len;
	return hash;
}

static bool step_add_class(struct sheet_step *step, uint32_t hash)
{
	unsigned int i = 0;

	while (i < JUNK_SHEET_CLASSES && step->names.classes[i] != 0)
		i++;
	if (i == JUNK_SHEET_CLASSES || hash == 0)
		return FALSE;
	step->names.classes[i] = hash;
	return TRUE;
}

/* "[class=x]", "[class~=x]", "[id=x]"; *p is behind the bracket. */
static bool step_attr(struct sheet_step *step, const char **p)
{
	bool is_class = strncmp(*p, "class", 5) == 0;
	uint32_t hash;

	if (!is_class && strncmp(*p, "id", 2) != 0)
		return FALSE;
	*p += is_class ? 5 : 2;
	*p += strspn(*p, " ");
	if (is_class && **p == '~')
		(*p)++;
	if (**p != '=')
		return FALSE;
	(*p)++;
	*p += strspn(*p, " \"'");
	hash = name_read(p);
	*p += strspn(*p, " \"'");
	if (**p != ']' || hash == 0)
		return FALSE;
	(*p)++;
	if (is_class)
		return step_add_class(step, hash);
	step->names.id = hash;
	return TRUE;
}

/* One element's part of a selector. Returns FALSE if it isn't understood. */
static bool step_read(struct sheet_step *step, const char **p)
{
	const char *start = *p;
	uint32_t hash;

	i_zero(step);
	if (**p == '*')
		(*p)++;
	else
		step->names.tag = name_read(p);
	for (;;) {
		switch (**p) {
		case '.':
			(*p)++;
			hash = name_read(p);
			if (!step_add_class(step, hash))
				return FALSE;
			break;
		case '#':
			(*p)++;
			step->names.id = name_read(p);
			if (step->names.id == 0)
				return FALSE;
			break;
		case '[':
			(*p)++;
			if (!step_attr(step, p))
				return FALSE;
			break;
		case ':':
			/* a link is one, unless it was visited */
			if (strncmp(*p, ":link", 5) != 0)
				return FALSE;
			*p += 5;
			break;
		case '\0':
		case ' ':
		case '>':
			return *p > start;
		default:
			return FALSE;
		}
	}
}

static unsigned int step_specificity(const struct sheet_step *step)
{
	unsigned int value = step->names.tag != 0 ? 1 : 0;

	for (unsigned int i = 0; i < JUNK_SHEET_CLASSES; i++)
		value += step->names.classes[i] != 0 ? 0x100 : 0;
	return value + (step->names.id != 0 ? 0x10000 : 0);
}

static bool step_is_html(const struct sheet_step *step)
{
	return step->names.id == 0 && step->names.classes[0] == 0 &&
		step->names.tag == junk_sheet_hash("html");
}

/* Returns FALSE if the selector isn't understood. */
static bool rule_selector(struct sheet_rule *rule, const char *selector)
{
	struct sheet_step steps[MAX_STEPS];
	unsigned int count = 0;
	bool child = FALSE;

	selector += strspn(selector, " ");
	while (*selector != '\0') {
		if (count == MAX_STEPS || !step_read(&steps[count], &selector))
			return FALSE;
		steps[count].child = child;
		rule->specificity += step_specificity(&steps[count]);
		/* is around everything */
		if (*selector == '\0' || !step_is_html(&steps[count]))
			count++;
		selector += strspn(selector, " ");
		child = *selector == '>';
		if (child) {
			selector++;
			selector += strspn(selector, " ");
		}
	}
	for (unsigned int i = 0; i < count; i++)
		rule->steps[i] = steps[count - 1 - i];
	rule->step_count = count;
	return count > 0 && !child;
}

static void sheet_index(struct junk_sheet *sheet, struct sheet_rule *rule)
{
	const struct junk_sheet_names *names = &rule->steps[0].names;
	uint32_t hash = names->id != 0 ? names->id :
		names->classes[0] != 0 ? names->classes[0] : names->tag;

	if (hash == 0) {
		rule->next = sheet->any;
		sheet->any = sheet->count;
	} else {
		rule->next = sheet->buckets[hash % BUCKETS];
		sheet->buckets[hash % BUCKETS] = sheet->count;
	}
}

static void
sheet_add_rule(struct junk_sheet *sheet, const char *selector,
	       const struct junk_style *style)
{
	struct sheet_rule rule;

	i_zero(&rule);
	rule.style = *style;
	if (sheet->count == JUNK_MAX_STYLE_RULES ||
	    !rule_selector(&rule, selector)) {
		/* what happens when the mouse is over something changes
		   nothing */
		if (strchr(selector, ':') == NULL ||
		    (strstr(selector, ":hover") == NULL &&
		     strstr(selector, ":visited") == NULL &&
		     strstr(selector, ":active") == NULL &&
		     strstr(selector, ":focus") == NULL &&
		     strstr(selector, "::") == NULL))
			sheet->unknown = TRUE;
		return;
	}
	if (sheet->count == sheet->size) {
		unsigned int size = I_MAX(sheet->size * 2, 16);

		sheet->rules = i_realloc_type(sheet->rules, struct sheet_rule,
					      sheet->size, size);
		sheet->size = size;
	}
	sheet->rules[sheet->count++] = rule;
	sheet_index(sheet, &sheet->rules[sheet->count - 1]);
}

/* Take "selector, ... { declarations }", of which the brackets are cut off. */
static void
sheet_block(struct junk_sheet *sheet, char *selectors, char *declarations)
{
	struct junk_style style;
	bool last = FALSE;

	junk_style_init(&style);
	T_BEGIN {
		junk_style_declarations(&style, declarations);
	} T_END;
	if (style.set == 0)
		return;
	while (!last) {
		char *end = selectors + strcspn(selectors, ",");

		last = *end == '\0';
		*end = '\0';
		T_BEGIN {
			sheet_add_rule(sheet, selectors, &style);
		} T_END;
		selectors = end + 1;
	}
}

/* The end of a block whose "{" is before css. */
static char *block_end(char *css)
{
	unsigned int depth = 1;

	for (;;) {
		css = junk_style_find(css, "{}");
		if (*css == '\0')
			return css;
		if (*css == '{')
			depth++;
		else if (--depth == 0)
			return css;
		css++;
	}
}

/* Take "@name ..." Returns where to go on: in its block if that holds. */
static char *sheet_at(struct junk_sheet *sheet, char *css, unsigned int *depth)
{
	char *name = css + 1, *end = junk_style_find(css, ";{");
	bool holds = FALSE;

	if (*end != '{')
		return *end == '\0' ? end : end + 1;
	*end = '\0';
	T_BEGIN {
		if (strncmp(name, "media", 5) == 0)
			holds = junk_sheet_media(name + 5);
		else if (strncmp(name, "layer", 5) == 0)
			holds = TRUE;
		else if (strncmp(name, "supports", 8) == 0)
			holds = strstr(name, "not") == NULL;
	} T_END;
	if (holds) {
		(*depth)++;
		return end + 1;
	}
	if (strncmp(name, "font-face", 9) != 0)
		sheet->unknown = TRUE;
	end = block_end(end + 1);
	return *end == '\0' ? end : end + 1;
}

static void sheet_read(struct junk_sheet *sheet, char *css)
{
	unsigned int depth = 0;
	char *open, *end;

	while (*css != '\0') {
		css += strspn(css, " ;");
		if (strncmp(css, "<!--", 4) == 0) {
			css += 4;
		} else if (strncmp(css, "-->", 3) == 0) {
			css += 3;
		} else if (*css == '@') {
			css = sheet_at(sheet, css, &depth);
		} else if (*css == '}') {
			if (depth > 0)
				depth--;
			css++;
		} else if (*css != '\0') {
			open = junk_style_find(css, "{}");
			if (*open != '{') {
				css = open;
				continue;
			}
			*open = '\0';
			end = block_end(open + 1);
			bool last = *end == '\0';
			*end = '\0';
			sheet_block(sheet, css, open + 1);
			css = last ? end : end + 1;
		}
	}
}

bool junk_sheet_add(struct junk_sheet **_sheet, const unsigned char *css,
		    size_t size)
{
	struct junk_sheet *sheet = *_sheet;
	unsigned int count;
	char *text;

	if (sheet == NULL) {
		sheet = *_sheet = i_new(struct junk_sheet, 1);
		sheet->work = JUNK_MAX_STYLE_CHECKS;
	}
	count = sheet->count;
	text = i_malloc(size + 1);
	memcpy(text, css, size);
	/* what follows a NUL isn't CSS */
	junk_style_clean(text);
	sheet_read(sheet, text);
	i_free(text);
	return sheet->count > count;
}

void junk_sheet_free(struct junk_sheet **_sheet)
{
	struct junk_sheet *sheet = *_sheet;

	if (sheet == NULL)
		return;
	*_sheet = NULL;
	i_free(sheet->rules);
	i_free(sheet);
}

bool junk_sheet_is_unknown(const struct junk_sheet *sheet)
{
	return sheet != NULL && sheet->unknown;
}

/* --- matching --- */

static bool
names_match(const struct junk_sheet_names *wanted,
	    const struct junk_sheet_names *names)
{
	if ((wanted->tag != 0 && wanted->tag != names->tag) ||
	    (wanted->id != 0 && wanted->id != names->id))
		return FALSE;
	for (unsigned int i = 0;
	     i < JUNK_SHEET_CLASSES && wanted->classes[i] != 0; i++) {
		unsigned int j = 0;

		while (j < JUNK_SHEET_CLASSES &&
		       names->classes[j] != wanted->classes[i])
			j++;
		if (j == JUNK_SHEET_CLASSES)
			return FALSE;
	}
	return TRUE;
}

struct sheet_element {
	struct junk_sheet *sheet;
	const struct junk_sheet_names *names;
	const unsigned char *parents;
	size_t stride;
	unsigned int depth;
	/* those that hold */
	const struct sheet_rule *matches[MAX_MATCHES];
	unsigned int match_count;
};

/* Does a step and those further out hold, for the elements around one? What a
   browser finds by going back, as "a > b c" may need, isn't looked for. */
static bool
steps_match(const struct sheet_element *element, const struct sheet_rule *rule)
{
	unsigned int depth = element->depth, i = 1;
	const struct junk_sheet_names *names;

	if (!names_match(&rule->steps[0].names, element->names))
		return FALSE;
	while (i < rule->step_count) {
		if (depth == 0 || element->sheet->work == 0)
			return FALSE;
		element->sheet->work--;
		names = (const void *)(element->parents +
				       --depth * element->stride);
		if (names_match(&rule->steps[i].names, names))
			i++;
		else if (rule->steps[i - 1].child)
			return FALSE;
	}
	return TRUE;
}

/* Put a rule where it counts: the list of a bucket begins with the last one. */
static void
element_match(struct sheet_element *element, const struct sheet_rule *rule)
{
	unsigned int pos;

	if (element->match_count == MAX_MATCHES)
		return;
	/* to be taken over costs more than a look */
	element->sheet->work -= I_MIN(element->sheet->work, 8);
	for (pos = element->match_count++; pos > 0; pos--) {
		const struct sheet_rule *before = element->matches[pos - 1];

		if (before->specificity < rule->specificity ||
		    (before->specificity == rule->specificity && before < rule))
			break;
		element->matches[pos] = before;
	}
	element->matches[pos] = rule;
}

static void element_look(struct sheet_element *element, unsigned int idx)
{
	struct junk_sheet *sheet = element->sheet;
	const struct sheet_rule *rule;

	for (; idx > 0 && sheet->work > 0; idx = rule->next) {
		sheet->work--;
		rule = &sheet->rules[idx - 1];
		if (steps_match(element, rule))
			element_match(element, rule);
	}
}

/* A rule of one name is in the bucket of that name: not twice in one. */
static void element_look_name(struct sheet_element *element, uint32_t hash)
{
	if (hash != 0)
		element_look(element, element->sheet->buckets[hash % BUCKETS]);
}

void junk_sheet_style(struct junk_sheet *sheet,
		      const struct junk_sheet_names *names,
		      const void *parents, size_t stride, unsigned int depth,
		      struct junk_style *style)
{
	struct sheet_element element;

	if (sheet->count == 0)
		return;
	element.sheet = sheet;
	element.names = names;
	element.parents = parents;
	element.stride = stride;
	element.depth = depth;
	element.match_count = 0;
	element_look(&element, sheet->any);
	element_look_name(&element, names->tag);
	for (unsigned int i = 0; i < JUNK_SHEET_CLASSES; i++)
		element_look_name(&element, names->classes[i]);
	element_look_name(&element, names->id);
	for (unsigned int i = 0; i < element.match_count; i++)
		junk_style_merge(style, &element.matches[i]->style);
}
