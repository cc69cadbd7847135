/* Public Suffix List (publicsuffix.org/list) -> the table of junk-suffix.c:

	make-suffix-table /usr/share/publicsuffix/public_suffix_list.dat

   When the tree is built, so that the table is of the system's own list. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <idn2.h>
#include <xxhash.h>

#include "junk-suffix-rule.h"

#define MAX_RULES 50000
/* A list that has become much shorter is damaged. */
#define MIN_RULES 5000

static uint64_t rules[MAX_RULES];
static unsigned int rule_count;

static int rule_cmp(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void rule_add(const char *name, uint64_t kind)
{
	char *ascii;
	int ret;

	ret = idn2_to_ascii_8z(name, &ascii, IDN2_NONTRANSITIONAL);
	if (ret != IDN2_OK || rule_count == MAX_RULES) {
		fprintf(stderr, "make-suffix-table: %s: %s\n", name,
			ret != IDN2_OK ? idn2_strerror(ret) :
			"too many rules");
		exit(1);
	}
	rules[rule_count++] = (XXH3_64bits(ascii, strlen(ascii)) &
			       ~JUNK_SUFFIX_KINDS) | kind;
	idn2_free(ascii);
}

static void line_add(char *line)
{
	line[strcspn(line, " \t\r\n")] = '\0';
	if (*line == '\0' || strncmp(line, "//", 2) == 0)
		return;
	if (*line == '!')
		rule_add(line + 1, JUNK_SUFFIX_EXCEPTION);
	else if (strncmp(line, "*.", 2) == 0)
		rule_add(line + 2, JUNK_SUFFIX_WILDCARD);
	else
		rule_add(line, JUNK_SUFFIX_RULE);
}

/* Several rules of one name become one. */
static void rules_merge(void)
{
	unsigned int i, count = 0;

	qsort(rules, rule_count, sizeof(rules[0]), rule_cmp);
	for (i = 0; i < rule_count; i++) {
		if (count > 0 && (rules[count - 1] | JUNK_SUFFIX_KINDS) ==
		    (rules[i] | JUNK_SUFFIX_KINDS))
			rules[count - 1] |= rules[i];
		else
			rules[count++] = rules[i];
	}
	rule_count = count;
}

int main(int argc, char *argv[])
{
	char line[1024];
	FILE *f;
	unsigned int i;

	if (argc != 2 || (f = fopen(argv[1], "r")) == NULL) {
		fprintf(stderr, "usage: make-suffix-table LIST\n");
		return 64;
	}
	while (fgets(line, sizeof(line), f) != NULL)
		line_add(line);
	fclose(f);
	if (rule_count < MIN_RULES) {
		fprintf(stderr, "make-suffix-table: %s: %u rules only\n",
			argv[1], rule_count);
		return 1;
	}
	rules_merge();
	for (i = 0; i < rule_count; i++)
		printf("UINT64_C(0x%016"PRIx64"),\n", rules[i]);
	return fflush(stdout) == 0 ? 0 : 1;
}
