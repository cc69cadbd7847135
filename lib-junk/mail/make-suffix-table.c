/* Converts the Public Suffix List (publicsuffix.org/list) to the table of
   junk-suffix.c:

     make-suffix-table /usr/share/publicsuffix/public_suffix_list.dat

   This runs during the build, so the table is made from the system's own
   list. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <idn2.h>
#include <xxhash.h>

#include "junk-suffix-rule.h"

/* Fill limit of the hash table; a fuller one would be slow. */
#define MAX_RULES (JUNK_SUFFIX_SLOTS / 4 * 3)
/* With fewer rules, the list must be damaged. */
#define MIN_RULES 5000

static uint64_t rules[JUNK_SUFFIX_SLOTS];
static unsigned int rule_count;

static void rule_set(uint64_t hash, uint64_t kind)
{
	unsigned int slot = JUNK_SUFFIX_SLOT(hash);

	hash &= ~JUNK_SUFFIX_KINDS;
	while (rules[slot] != 0 && (rules[slot] & ~JUNK_SUFFIX_KINDS) != hash)
		slot = (slot + 1) % JUNK_SUFFIX_SLOTS;
	if (rules[slot] == 0)
		rule_count++;
	rules[slot] |= hash | kind;
}

static void rule_add(const char *name, uint64_t kind)
{
	char *ascii;
	int ret;

	ret = idn2_to_ascii_8z(name, &ascii, IDN2_NONTRANSITIONAL);
	if (ret != IDN2_OK || rule_count == MAX_RULES) {
		fprintf(stderr, "make-suffix-table: %s: %s\n", name,
			ret != IDN2_OK ? idn2_strerror(ret) :
			"too many rules: raise JUNK_SUFFIX_SLOT_BITS");
		exit(1);
	}
	rule_set(XXH3_64bits(ascii, strlen(ascii)), kind);
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
	for (i = 0; i < JUNK_SUFFIX_SLOTS; i++)
		printf("UINT64_C(0x%016"PRIx64"),\n", rules[i]);
	return fflush(stdout) == 0 ? 0 : 1;
}
