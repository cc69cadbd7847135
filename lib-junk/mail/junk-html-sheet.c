/* See junk-html-sheet.h. Rules are found by a hash table of the id, class or
   tag that the last part of their selector names. The work is bounded, since
   each element may match each rule. */

#include "lib.h"
#include "array.h"
#include "buffer.h"
#include "str.h"
#include "junk-ascii.h"
#include "junk-limits.h"
#include "junk-html-sheet.h"

#include <stdlib.h>
#include <xxhash.h>

/* Maximum number of compound selectors ("steps") in a selector. */
#define MAX_STEPS 4
#define BUCKETS 256
/* Maximum arguments of :not() in a step, and selectors of a rule. */
#define MAX_OTHERS 2
#define MAX_SELECTORS 64
/* Maximum depth of nested rules. */
#define MAX_NESTING 4
/* Maximum rules that match an element. */
#define MAX_MATCHES 32
/* Range of a usual window's width in pixels: media queries that hold only
   outside of it don't match. */
#define MIN_WINDOW 640
#define MAX_WINDOW 1024

/* Combinator between a step and the one before it. */
enum sheet_relation {
	/* ancestor " ", parent ">", previous sibling "+", earlier sibling
	   "~" */
	RELATION_AROUND,
	RELATION_PARENT,
	RELATION_BEFORE,
	RELATION_EARLIER,
};

/* "[name=value]" */
struct sheet_attr {
	/* offsets into the sheet's strings; 0 = no attribute, no value */
	uint32_t name, value;
	/* first character of the operator ("=", "~=", ...); 0 = any value */
	char kind;
};

struct sheet_step {
	struct junk_sheet_names names;
	/* arguments of :not() */
	struct junk_sheet_names others[MAX_OTHERS];
	unsigned int other_count;
	struct sheet_attr attr;
	/* :nth-child(): nth_step * n + nth_first (n = 0, 1, ...); both 0 =
	   any */
	int nth_step, nth_first;
	enum sheet_relation relation;
};

struct sheet_rule {
	struct junk_style style;
	/* the last step of the selector, which matches the element itself, is
	   first */
	struct sheet_step steps[MAX_STEPS];
	unsigned int step_count;
	/* as in CSS: numbers of ids, classes and tags, in three bytes */
	unsigned int specificity;
	/* index + 1 of the next rule in its bucket; 0 = none */
	unsigned int next;
};

struct junk_sheet {
	struct sheet_rule *rules;
	unsigned int count, size;
	/* index + 1 of the last rule for a hash: of the id, else of a class,
	   else of the tag */
	uint16_t buckets[BUCKETS];
	/* rules without any of these */
	unsigned int any;
	/* how many more rules may be tested */
	unsigned int work;
	/* names and values of attribute selectors; the first byte is unused */
	buffer_t *strings;
	/* some rules depend on siblings */
	bool siblings;
	bool unknown, of_page;
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

/* --- parsing --- */

/* Returns TRUE if a feature such as "min-width: 600px" holds. Unknown ones
   don't. */
static bool media_feature_holds(const char *feature)
{
	static const char *const held[] = {
		"color)", "orientation:landscape",
		"orientation: landscape", "prefers-color-scheme:light",
		"prefers-color-scheme: light", "grid:0", "width)", "height)",
	};
	double num;
	size_t len = strcspn(feature, ":");
	const char *value = feature + len;

	if (*value == ':')
		value++;
	num = strtod(value, NULL);
	len = strcspn(feature, "<>=):");
	if (feature[len] == '<' || feature[len] == '>') {
		/* "(width >= 300px)" */
		value = feature + len + strspn(feature + len, "<>= ");
		num = strtod(value, NULL);
		if (strncmp(feature, "width", 5) == 0)
			return feature[len] == '>' ? num <= MIN_WINDOW :
				num >= MAX_WINDOW;
		return feature[len] == '>' && num * 2 <= MIN_WINDOW;
	}
	for (unsigned int i = 0; i < N_ELEMENTS(held); i++) {
		if (strncmp(feature, held[i], strlen(held[i])) == 0)
			return TRUE;
	}
	if (strncmp(feature, "min-resolution", 14) == 0)
		return num <= 1;
	if (strncmp(feature, "min-height", 10) == 0)
		return num * 2 <= MIN_WINDOW;
	if (strncmp(feature, "min-width", 9) == 0 ||
	    strncmp(feature, "min-device-width", 16) == 0)
		return num <= MIN_WINDOW;
	if (strncmp(feature, "max-width", 9) == 0 ||
	    strncmp(feature, "max-device-width", 16) == 0)
		return num >= MAX_WINDOW;
	return strncmp(feature, "-webkit-min-device-pixel-ratio", 30) == 0 &&
		num <= 1;
}

/* Returns TRUE if one query of a list, in lower case, holds. */
static bool media_query_holds(const char *query, const char *end)
{
	static const char *const types[] = {
		"all", "and", "only", "screen", NULL
	};
	static const char *const others[] = {
		"print", "speech", "tv", "projection", "handheld", "braille",
		"embossed", "aural", "tty", NULL
	};
	bool not = FALSE, holds = TRUE;
	const char *word;
	size_t len;

	while (query < end) {
		query += strspn(query, " ");
		if (query >= end)
			break;
		if (*query == '(') {
			query++;
			query += strspn(query, " ");
			holds &= media_feature_holds(query);
			query += strcspn(query, ")");
			if (*query == ')')
				query++;
			continue;
		}
		len = strcspn(query, " (,");
		word = t_strndup(query, len);
		if (strcmp(word, "not") == 0)
			not = TRUE;
		else if (str_array_find(others, word))
			holds = FALSE;
		else if (!str_array_find(types, word))
			return FALSE;
		query += len;
	}
	return holds != not;
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

static uint32_t sheet_string(struct junk_sheet *sheet, const char *str, size_t size)
{
	uint32_t pos = sheet->strings->used;

	buffer_append(sheet->strings, str, size);
	buffer_append_c(sheet->strings, '\0');
	return pos;
}

static const char *sheet_get_string(const struct junk_sheet *sheet, uint32_t pos)
{
	return CONST_PTR_OFFSET(sheet->strings->data, pos);
}

/* Parse "[name]", "[name=value]", "[name~=value]" and so on. *p points behind
   the opening bracket, then behind the closing one. */
static bool
step_attr(struct junk_sheet *sheet, struct sheet_step *step, const char **p)
{
	size_t name_size = strspn(*p, "abcdefghijklmnopqrstuvwxyz0123456789-_");
	const char *name = *p, *value;
	bool is_class, is_id;
	char kind = '\0', quote;
	size_t size;

	*p += name_size;
	*p += strspn(*p, " ");
	if (name_size == 0 || step->attr.name != 0)
		return FALSE;
	if (**p == ']') {
		(*p)++;
		step->attr.name = sheet_string(sheet, name, name_size);
		return TRUE;
	}
	if (**p != '\0' && strchr("=~^$*|", **p) != NULL)
		kind = *(*p)++;
	if (kind != '=' && *(*p)++ != '=')
		return FALSE;
	*p += strspn(*p, " ");
	quote = **p == '"' || **p == '\'' ? *(*p)++ : '\0';
	value = *p;
	size = quote != '\0' ? strcspn(value, quote == '"' ? "\"" : "'") :
		strcspn(value, " ]");
	*p += size;
	if (quote != '\0' && **p == quote)
		(*p)++;
	*p += strspn(*p, " is");
	if (*(*p)++ != ']' || size == 0)
		return FALSE;
	is_class = name_size == 5 && strncmp(name, "class", 5) == 0;
	is_id = name_size == 2 && strncmp(name, "id", 2) == 0;
	if ((is_class && kind == '~') || (is_id && kind == '=')) {
		uint32_t hash = junk_sheet_hash(t_strndup(value, size));

		if (is_class)
			return step_add_class(step, hash);
		step->names.id = hash;
		return TRUE;
	}
	step->attr.name = sheet_string(sheet, name, name_size);
	step->attr.value = sheet_string(sheet, value, size);
	step->attr.kind = kind;
	return TRUE;
}

/* Parse "odd", "3", "2n+1" or "-n+3". */
static bool step_nth(struct sheet_step *step, const char *arg)
{
	char *end;

	if (strncmp(arg, "odd", 3) == 0 || strncmp(arg, "even", 4) == 0) {
		step->nth_step = 2;
		step->nth_first = *arg == 'o' ? 1 : 2;
		return TRUE;
	}
	if (*arg == 'n' || *arg == '-' || ascii_isdigit(*arg)) {
		long num = strtol(arg, &end, 10);

		if (end == arg)
			num = *arg == '-' ? -1 : 1;
		arg = end == arg && *arg == '-' ? arg + 1 : end;
		num = I_MAX(I_MIN(num, 1000), -1000);
		if (*arg != 'n') {
			step->nth_first = num;
			return num > 0 && *arg == '\0';
		}
		arg++;
		step->nth_step = num;
		arg += strspn(arg, " ");
		if (*arg == '\0')
			return num != 0;
		bool minus = *arg == '-';
		if (*arg != '+' && !minus)
			return FALSE;
		arg++;
		arg += strspn(arg, " ");
		num = strtol(arg, NULL, 10);
		num = I_MAX(I_MIN(num, 1000), 0);
		step->nth_first = minus ? -num : num;
		return TRUE;
	}
	return FALSE;
}

static bool
step_read(struct junk_sheet *sheet, struct sheet_step *step, const char **p);

/* Parse the arguments of :not(). */
static bool
step_not(struct junk_sheet *sheet, struct sheet_step *step, char *arg)
{
	bool last = FALSE;

	while (!last) {
		char *end = arg + strcspn(arg, ",");
		struct sheet_step other;
		const char *p;

		last = *end == '\0';
		*end = '\0';
		p = arg + strspn(arg, " ");
		i_zero(&other);
		if (step->other_count == MAX_OTHERS ||
		    !step_read(sheet, &other, &p) || p[strspn(p, " ")] != '\0' ||
		    other.other_count > 0 || other.attr.name != 0 ||
		    other.nth_first != 0 || other.nth_step != 0)
			return FALSE;
		step->others[step->other_count++] = other.names;
		arg = end + 1;
	}
	return TRUE;
}

/* Parse ":name" or ":name(argument)". */
static bool
step_pseudo(struct junk_sheet *sheet, struct sheet_step *step, const char **p)
{
	const char *name = *p + 1, *end, *arg_p;
	size_t size = strspn(name, "abcdefghijklmnopqrstuvwxyz-");
	unsigned int depth = 0;
	char *arg = NULL;

	end = name + size;
	name = t_strndup(name, size);
	if (*end == '(') {
		const char *start = ++end;

		for (; *end != '\0' && (*end != ')' || depth > 0); end++)
			depth += *end == '(' ? 1 : *end == ')' ? -1 : 0;
		arg = p_strdup_until(unsafe_data_stack_pool, start, end);
		if (*end == ')')
			end++;
		arg += strspn(arg, " ");
	}
	*p = end;
	/* every link matches, as if it were unvisited */
	if (strcmp(name, "link") == 0 || strcmp(name, "any-link") == 0)
		return TRUE;
	if (strcmp(name, "root") == 0) {
		step->names.tag = junk_sheet_hash("html");
		return TRUE;
	}
	if (strcmp(name, "first-child") == 0) {
		step->nth_first = 1;
		return TRUE;
	}
	if (arg == NULL)
		return FALSE;
	if (strcmp(name, "nth-child") == 0)
		return step_nth(step, arg);
	if (strcmp(name, "not") == 0)
		return step_not(sheet, step, arg);
	if (strcmp(name, "is") != 0 && strcmp(name, "where") != 0 &&
	    strcmp(name, "-webkit-any") != 0)
		return FALSE;
	arg_p = arg;
	return step_read(sheet, step, &arg_p) &&
		arg_p[strspn(arg_p, " ")] == '\0';
}

/* Parse a compound selector and add it to the step. Returns FALSE if it isn't
   understood. */
static bool
step_read(struct junk_sheet *sheet, struct sheet_step *step, const char **p)
{
	const char *start = *p;
	uint32_t hash;

	if (**p == '*') {
		(*p)++;
	} else {
		hash = name_read(p);
		if (hash != 0 && step->names.tag != 0 && step->names.tag != hash)
			return FALSE;
		if (hash != 0)
			step->names.tag = hash;
	}
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
			if (!step_attr(sheet, step, p))
				return FALSE;
			break;
		case ':':
			if (!step_pseudo(sheet, step, p))
				return FALSE;
			break;
		case '\0':
		case ' ':
		case '>':
		case '+':
		case '~':
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
	if (step->attr.name != 0)
		value += 0x100;
	if (step->nth_first != 0 || step->nth_step != 0)
		value += 0x100;
	return value + (step->names.id != 0 ? 0x10000 : 0);
}

static bool step_is_html(const struct sheet_step *step)
{
	return step->names.id == 0 && step->names.classes[0] == 0 &&
		step->names.tag == junk_sheet_hash("html");
}

static enum sheet_relation relation_read(const char **selector)
{
	enum sheet_relation relation = RELATION_AROUND;

	*selector += strspn(*selector, " ");
	switch (**selector) {
	case '>':
		relation = RELATION_PARENT;
		break;
	case '+':
		relation = RELATION_BEFORE;
		break;
	case '~':
		relation = RELATION_EARLIER;
		break;
	default:
		return relation;
	}
	(*selector)++;
	*selector += strspn(*selector, " ");
	return relation;
}

/* Parse a selector. Returns FALSE if it isn't understood. */
static bool
rule_selector(struct junk_sheet *sheet, struct sheet_rule *rule,
	      const char *selector)
{
	enum sheet_relation relation = RELATION_AROUND;
	struct sheet_step steps[MAX_STEPS];
	unsigned int count = 0;

	selector += strspn(selector, " ");
	while (*selector != '\0') {
		if (count == MAX_STEPS)
			return FALSE;
		i_zero(&steps[count]);
		if (!step_read(sheet, &steps[count], &selector))
			return FALSE;
		/* siblings are known only for the element itself, not for those
		   around it */
		if (count > 0 && steps[count - 1].relation > RELATION_PARENT)
			return FALSE;
		steps[count].relation = relation;
		rule->specificity += step_specificity(&steps[count]);
		relation = relation_read(&selector);
		/* html is around everything, so as an ancestor it always
		   matches */
		if (*selector == '\0' || !step_is_html(&steps[count]))
			count++;
	}
	for (unsigned int i = 0; i < count; i++)
		rule->steps[i] = steps[count - 1 - i];
	rule->step_count = count;
	if (count > 0 && (rule->steps[0].relation > RELATION_PARENT ||
			  rule->steps[0].nth_first != 0 ||
			  rule->steps[0].nth_step != 0))
		sheet->siblings = TRUE;
	return count > 0 && relation == RELATION_AROUND;
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
	    !rule_selector(sheet, &rule, selector)) {
		/* rules for :hover and the like don't change what is visible at
		   first */
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
	if (rule.steps[0].names.tag == junk_sheet_hash("html") ||
	    rule.steps[0].names.tag == junk_sheet_hash("body"))
		sheet->of_page = TRUE;
	sheet->rules[sheet->count++] = rule;
	sheet_index(sheet, &sheet->rules[sheet->count - 1]);
}

/* Returns the end of a block whose "{" is before css. */
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


/* Returns the end of a selector in a list: a comma outside of brackets. */
static char *selector_end(char *selector)
{
	unsigned int depth = 0;

	for (; *selector != '\0'; selector++) {
		if (*selector == '(' || *selector == '[')
			depth++;
		else if ((*selector == ')' || *selector == ']') && depth > 0)
			depth--;
		else if (*selector == ',' && depth == 0)
			break;
	}
	return selector;
}

/* Returns TRUE if browsers know a pseudo-class or pseudo-element. */
static bool pseudo_is_known(const char *name, size_t size)
{
	static const char *const names[] = {
		"active", "after", "any-link", "autofill", "backdrop", "before",
		"checked", "default", "defined", "dir", "disabled", "empty",
		"enabled", "first-child", "first-letter", "first-line",
		"first-of-type", "focus", "focus-visible", "focus-within",
		"fullscreen", "has", "host", "hover", "in-range",
		"indeterminate", "invalid", "is", "lang", "last-child",
		"last-of-type", "link", "marker", "modal", "not", "nth-child",
		"nth-last-child", "nth-last-of-type", "nth-of-type",
		"only-child", "only-of-type", "open", "optional",
		"out-of-range", "placeholder", "placeholder-shown",
		"popover-open", "read-only", "read-write", "required", "root",
		"scope", "selection", "target", "target-text", "valid",
		"visited", "where", NULL
	};

	return strncmp(name, "-webkit-", I_MIN(size, 8)) == 0 ||
		str_array_find(names, t_strndup(name, size));
}

/* An invalid selector makes the whole list invalid. */
static bool selector_is_valid(const char *selector)
{
	size_t size;

	selector += strspn(selector, " ");
	if (*selector == '\0' || strchr(";}!%)]", *selector) != NULL)
		return FALSE;
	while ((selector = strchr(selector, ':')) != NULL) {
		selector += strspn(selector, ":");
		size = strspn(selector, "abcdefghijklmnopqrstuvwxyz-");
		if (!pseudo_is_known(selector, size))
			return FALSE;
		selector += size;
	}
	return TRUE;
}

/* Split a list of selectors. A selector with ":is(a, b)" counts as two. */
static void
selectors_split(ARRAY_TYPE(const_string) *dest, char *selectors)
{
	char *end = selector_end(selectors), *is, *alt, *alt_end, *close;
	const char *selector;

	for (;; selectors = end + 1, end = selector_end(selectors)) {
		bool last = *end == '\0';

		*end = '\0';
		selector = t_strdup(selectors);
		is = strstr(selectors, ":is(");
		if (is == NULL)
			is = strstr(selectors, ":where(");
		alt = is == NULL ? NULL : strchr(is, '(') + 1;
		close = alt == NULL ? NULL : strchr(alt, ')');
		if (close == NULL || *selector_end(alt) != ',') {
			array_push_back(dest, &selector);
		} else for (; alt < close; alt = alt_end + 1) {
			alt_end = alt + strcspn(alt, ",)");
			selector = t_strconcat(t_strdup_until(selectors, is),
				":is(", t_strdup_until(alt, alt_end), close,
				NULL);
			if (array_count(dest) < MAX_SELECTORS)
				array_push_back(dest, &selector);
		}
		if (last || array_count(dest) >= MAX_SELECTORS)
			break;
	}
}

static void
sheet_block(struct junk_sheet *sheet, const char *outer, char *selectors,
	    char *declarations, unsigned int depth);

/* Add the nested rules of a rule and overwrite them with spaces. */
static void
sheet_nested(struct junk_sheet *sheet, const char *selectors, char *declarations,
	     unsigned int depth)
{
	char *start = declarations, *open, *end;

	while (*(open = junk_style_find(start, "{}")) != '\0') {
		if (*open == '}') {
			start = open + 1;
			continue;
		}
		end = block_end(open + 1);
		/* begin behind the last declaration */
		for (char *p = open; p > start; p--) {
			if (p[-1] == ';' || p[-1] == '}') {
				start = p;
				break;
			}
		}
		bool last = *end == '\0';
		*open = *end = '\0';
		if (depth < MAX_NESTING && start[strspn(start, " ")] != '@')
			sheet_block(sheet, selectors, start, open + 1,
				    depth + 1);
		else
			sheet->unknown = TRUE;
		if (last)
			*start = '\0';
		else
			memset(start, ' ', end + 1 - start);
		start = last ? start : end + 1;
	}
}

/* Returns the full selector of a nested rule: "&" stands for the outer
   selector, which otherwise is an ancestor. */
static const char *selector_nested(const char *outer, const char *inner)
{
	string_t *str = t_str_new(128);

	if (strchr(inner, '&') == NULL)
		return t_strconcat(outer, " ", inner, NULL);
	for (; *inner != '\0'; inner++) {
		if (*inner == '&')
			str_append(str, outer);
		else
			str_append_c(str, *inner);
	}
	return str_c(str);
}

static void
sheet_add_selectors(struct junk_sheet *sheet, const char *outer, char *selectors,
		    const struct junk_style *style)
{
	ARRAY_TYPE(const_string) list;
	const char *selector;

	t_array_init(&list, 8);
	selectors_split(&list, selectors);
	array_foreach_elem(&list, selector) {
		if (!selector_is_valid(selector))
			return;
	}
	array_foreach_elem(&list, selector) {
		if (outer != NULL)
			selector = selector_nested(outer, selector);
		sheet_add_rule(sheet, selector, style);
	}
}

/* Add the rule "selectors { declarations }", without its brackets. outer: the
   selector of the rule around it; NULL = none. */
static void
sheet_block(struct junk_sheet *sheet, const char *outer, char *selectors,
	    char *declarations, unsigned int depth)
{
	struct junk_style style;

	if (strchr(declarations, '{') != NULL) {
		/* nested rules apply only to the first selector of the list */
		const char *first = t_strdup_until(selectors,
						   selector_end(selectors));

		first += strspn(first, " ");
		if (outer != NULL)
			first = selector_nested(outer, first);
		sheet_nested(sheet, first, declarations, depth);
	}
	junk_style_init(&style);
	T_BEGIN {
		junk_style_declarations(&style, declarations);
		if (style.set != 0)
			sheet_add_selectors(sheet, outer, selectors, &style);
	} T_END;
}

/* Returns TRUE if a @supports condition holds: "(declaration)" or "not
   (declaration)", also several joined by "and". A declaration is supported if
   it is known here. */
static bool supports_holds(const char *condition)
{
	bool holds = TRUE;

	while (*(condition += strspn(condition, " ")) != '\0') {
		bool not = strncmp(condition, "not", 3) == 0;
		struct junk_style style;
		const char *end;

		condition += strspn(condition, "not ");
		end = condition + strcspn(condition, ")");
		if (*condition != '(' || *end == '\0')
			return FALSE;
		junk_style_init(&style);
		junk_style_declarations(&style, t_strdup_noconst(
			t_strdup_until(condition + 1, end)));
		holds &= (style.set != 0) != not;
		condition = end + 1;
		condition += strspn(condition, " ");
		if (strncmp(condition, "and", 3) == 0)
			condition += 3;
		else if (*condition != '\0')
			return FALSE;
	}
	return holds;
}

/* Read an at-rule. Returns where to continue: inside its block if its condition
   holds. */
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
			holds = supports_holds(name + 8);
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
	bool invalid = FALSE;

	while (*css != '\0') {
		css += strspn(css, " ");
		if (strncmp(css, "<!--", 4) == 0) {
			css += 4;
		} else if (strncmp(css, "-->", 3) == 0) {
			css += 3;
		} else if (*css == '@') {
			css = sheet_at(sheet, css, &depth);
		} else if (*css == '}') {
			/* an extra "}" makes the next rule invalid */
			if (depth > 0)
				depth--;
			else
				invalid = TRUE;
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
			if (!invalid) T_BEGIN {
				sheet_block(sheet, NULL, css, open + 1, 0);
			} T_END;
			invalid = FALSE;
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
		sheet->strings = buffer_create_dynamic(default_pool, 64);
		buffer_append_c(sheet->strings, '\0');
	}
	count = sheet->count;
	text = i_malloc(size + 1);
	memcpy(text, css, size);
	/* text behind a NUL is ignored */
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
	buffer_free(&sheet->strings);
	i_free(sheet->rules);
	i_free(sheet);
}

bool junk_sheet_is_unknown(const struct junk_sheet *sheet)
{
	return sheet != NULL && sheet->unknown;
}

bool junk_sheet_is_of_page(const struct junk_sheet *sheet)
{
	return sheet->of_page;
}

bool junk_sheet_has_siblings(const struct junk_sheet *sheet)
{
	return sheet != NULL && sheet->siblings;
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
	/* what precedes the element in its parent */
	const struct junk_sheet_siblings *siblings;
	/* matching rules in the order in which they apply */
	const struct sheet_rule *matches[MAX_MATCHES];
	unsigned int match_count;
};

/* Returns TRUE if an attribute's value matches a selector's operator. */
static bool
attr_value_matches(char kind, const char *value, const char *wanted)
{
	size_t size = strlen(wanted), len = strlen(value);

	switch (kind) {
	case '\0':
		return TRUE;
	case '=':
		return strcmp(value, wanted) == 0;
	case '^':
		return strncmp(value, wanted, size) == 0;
	case '$':
		return len >= size && strcmp(value + len - size, wanted) == 0;
	case '*':
		return strstr(value, wanted) != NULL;
	case '|':
		return strncmp(value, wanted, size) == 0 &&
			(value[size] == '\0' || value[size] == '-');
	default:
		return str_array_find(t_strsplit_spaces(value, " \t\r\n\f"),
				      wanted);
	}
}

static bool
attr_matches(struct junk_sheet *sheet, const struct sheet_attr *attr,
	     const struct junk_sheet_names *names)
{
	const unsigned char *value;
	size_t size;
	bool matches = FALSE;

	/* the tag is parsed again for each test */
	sheet->work -= I_MIN(sheet->work, 1 + names->attrs_size / 16);
	if (names->attrs == NULL ||
	    !junk_sheet_find_attr(names->attrs, names->attrs_size,
				  sheet_get_string(sheet, attr->name),
				  &value, &size))
		return FALSE;
	T_BEGIN {
		matches = attr_value_matches(attr->kind,
			t_str_lcase(t_strndup(value, I_MIN(size, 1024))),
			sheet_get_string(sheet, attr->value));
	} T_END;
	return matches;
}

static bool nth_matches(const struct sheet_step *step, unsigned int idx)
{
	int diff = (int)idx - step->nth_first;

	if (step->nth_step == 0)
		return step->nth_first == 0 || diff == 0;
	return diff % step->nth_step == 0 && diff / step->nth_step >= 0;
}

/* Returns TRUE if a step matches the names of an element, or of one around
   it. */
static bool
step_matches(const struct sheet_element *element, const struct sheet_step *step,
	     const struct junk_sheet_names *names)
{
	if (!names_match(&step->names, names))
		return FALSE;
	for (unsigned int i = 0; i < step->other_count; i++) {
		if (names_match(&step->others[i], names))
			return FALSE;
	}
	if ((step->nth_step != 0 || step->nth_first != 0) &&
	    !nth_matches(step, names->idx))
		return FALSE;
	return step->attr.name == 0 ||
		attr_matches(element->sheet, &step->attr, names);
}

static uint64_t name_bit(uint32_t hash)
{
	return hash == 0 ? 0 : UINT64_C(1) << (hash % 64);
}

static uint64_t names_bits(const struct junk_sheet_names *names)
{
	uint64_t bits = name_bit(names->tag) | name_bit(names->id);

	for (unsigned int i = 0; i < JUNK_SHEET_CLASSES; i++)
		bits |= name_bit(names->classes[i]);
	return bits;
}

void junk_sheet_add_sibling(struct junk_sheet_siblings *siblings,
			    const struct junk_sheet_names *names)
{
	siblings->last = *names;
	siblings->count++;
	siblings->names |= names_bits(names);
}

/* Returns TRUE if a step matches the previous sibling, or may match an earlier
   one. */
static bool
sibling_matches(const struct sheet_element *element, const struct sheet_step *step,
		enum sheet_relation relation)
{
	uint64_t bits = names_bits(&step->names);

	if (element->siblings == NULL || element->siblings->count == 0)
		return FALSE;
	return relation == RELATION_BEFORE ?
		step_matches(element, step, &element->siblings->last) :
		(element->siblings->names & bits) == bits;
}

/* Returns TRUE if all steps of a rule match, from the element outwards. There
   is no backtracking, which "a > b c" may need. */
static bool
steps_match(const struct sheet_element *element, const struct sheet_rule *rule)
{
	unsigned int depth = element->depth, i = 1;
	const struct junk_sheet_names *names;

	if (!step_matches(element, &rule->steps[0], element->names))
		return FALSE;
	while (i < rule->step_count) {
		enum sheet_relation relation = rule->steps[i - 1].relation;

		if (i == 1 && relation > RELATION_PARENT) {
			if (!sibling_matches(element, &rule->steps[i++],
					     relation))
				return FALSE;
			continue;
		}
		if (depth == 0 || element->sheet->work == 0)
			return FALSE;
		element->sheet->work--;
		names = (const void *)(element->parents +
				       --depth * element->stride);
		if (step_matches(element, &rule->steps[i], names))
			i++;
		else if (relation == RELATION_PARENT)
			return FALSE;
	}
	return TRUE;
}

/* Insert a rule into the matches by specificity and order, since a bucket's
   list begins with the last rule. */
static void
element_match(struct sheet_element *element, const struct sheet_rule *rule)
{
	unsigned int pos;

	if (element->match_count == MAX_MATCHES)
		return;
	/* applying a rule costs more than testing one */
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

/* Test the rules of a name. Each rule is in one bucket only; a bucket may hold
   rules of several names. */
static void element_look_name(struct sheet_element *element, uint32_t hash)
{
	if (hash != 0)
		element_look(element, element->sheet->buckets[hash % BUCKETS]);
}

void junk_sheet_style(struct junk_sheet *sheet,
		      const struct junk_sheet_names *names,
		      const void *parents, size_t stride, unsigned int depth,
		      const struct junk_sheet_siblings *siblings,
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
	element.siblings = siblings;
	element.match_count = 0;
	element_look(&element, sheet->any);
	element_look_name(&element, names->tag);
	for (unsigned int i = 0; i < JUNK_SHEET_CLASSES; i++)
		element_look_name(&element, names->classes[i]);
	element_look_name(&element, names->id);
	for (unsigned int i = 0; i < element.match_count; i++)
		junk_style_merge(style, &element.matches[i]->style);
}
