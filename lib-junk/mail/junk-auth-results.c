/* See junk-auth-results.h. */

#include "lib.h"
#include "str.h"
#include "junk-ascii.h"
#include "junk-auth-results.h"

/* Maximum results of a field. */
#define MAX_RESULTS 50

/* Convert to lower case and remove comments, which may contain any character,
   and from quoted strings the quotes and ";". A blank in quotes becomes "_", so
   that a sender who chooses a quoted value can't write another one after it. */
static char *results_clean(const unsigned char *data, size_t size)
{
	string_t *str = t_str_new(size + 1);
	unsigned int depth = 0;
	bool quoted = FALSE;
	unsigned char c;

	for (size_t i = 0; i < size; i++) {
		c = ascii_tolower(data[i]);
		if (c == '\\' && (quoted || depth > 0) && i + 1 < size) {
			i++;
			continue;
		}
		if (depth == 0 && c == '"') {
			quoted = !quoted;
		} else if (!quoted && c == '(') {
			depth++;
		} else if (!quoted && c == ')') {
			if (depth > 0)
				depth--;
			c = ' ';
		}
		if (depth == 0 && c != '"' && !(quoted && c == ';'))
			str_append_c(str, c > ' ' ? c : (quoted ? '_' : ' '));
	}
	return str_c_modifiable(str);
}

/* Returns the next part between ";", NULL at the end. */
static char *part_next(char **data)
{
	char *part = *data, *end;

	if (part == NULL)
		return NULL;
	end = strchr(part, ';');
	*data = end == NULL ? NULL : end + 1;
	if (end != NULL)
		*end = '\0';
	return part + strspn(part, " ");
}

/* Returns TRUE if the part is "method[/version] = result"; dest is then set to
   it without spaces and version, and properties_r to what follows. */
static bool
part_result(const char *part, string_t *dest, const char **properties_r)
{
	size_t len = strcspn(part, " /=");

	str_truncate(dest, 0);
	str_append_data(dest, part, len);
	part += len;
	part += strspn(part, " ");
	if (*part == '/') {
		part++;
		part += strspn(part, " 0123456789");
	}
	if (len == 0 || *part != '=')
		return FALSE;
	part++;
	part += strspn(part, " ");
	str_append_c(dest, '=');
	len = strcspn(part, " ");
	str_append_data(dest, part, len);
	*properties_r = part + len;
	return TRUE;
}

static bool
id_is_believed(const char *id, size_t size, const char *ids, bool arc)
{
	const char *const *names = t_strsplit_spaces(ids, " \t");
	const char *name;

	for (; *names != NULL; names++) {
		name = *names;
		if (strncasecmp(name, "arc:", 4) == 0) {
			if (!arc)
				continue;
			name += 4;
		} else if (arc) {
			continue;
		}
		if (strlen(name) == size && strncasecmp(name, id, size) == 0)
			return TRUE;
	}
	return FALSE;
}

void junk_auth_results_read(const unsigned char *data, size_t size,
			    const char *authserv_ids, bool arc,
			    junk_auth_results_callback_t *callback,
			    void *context)
{
	const char *properties;
	char *rest, *part;
	string_t *result;

	if (authserv_ids == NULL || *authserv_ids == '\0')
		return;
	rest = results_clean(data, size);
	result = t_str_new(64);
	part = part_next(&rest);
	/* skip ARC's instance, as in "i=1; host; spf=pass" */
	if (arc && part_result(part, result, &properties))
		part = part_next(&rest);
	if (part == NULL)
		return;
	if (part_result(part, result, &properties)) {
		if (arc || !id_is_believed("-", 1, authserv_ids, FALSE))
			return;
	} else {
		if (strcmp(part, "-") == 0 ||
		    !id_is_believed(part, strcspn(part, " "), authserv_ids,
				    arc))
			return;
		part = part_next(&rest);
	}
	for (unsigned int i = 0; i < MAX_RESULTS && part != NULL; i++) {
		if (part_result(part, result, &properties))
			callback(str_c(result), properties, context);
		part = part_next(&rest);
	}
}

bool junk_auth_property_is(const char *properties, const char *name,
			   const char *value)
{
	const char *const *words = t_strsplit_spaces(properties, " ");
	const size_t size = strlen(name);
	unsigned int count = 0;
	bool equal = FALSE;

	for (; *words != NULL; words++) {
		if (strncmp(*words, name, size) != 0 || (*words)[size] != '=')
			continue;
		count++;
		equal = strcmp(*words + size + 1, value) == 0;
	}
	return count == 1 && equal;
}
