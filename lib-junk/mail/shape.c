/* Messages of hostile shapes for test-growth.py, which counts the instructions
   of shape_tokenize():

     shape                    prints the names of the shapes
     shape NAME BYTES FILE    writes a message of about this size
     shape FILE               tokenises it, and prints the memory used
     shape - FILE ...         tokenises each file */

#include "lib.h"
#include "istream.h"
#include "junk-tokenizer.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

struct shape {
	const char *name;
	/* what it begins with, and what is repeated; % is replaced by a
	   number */
	const char *head, *unit;
};

static const struct shape shapes[] = {
	{ "one-line", "Subject: x\n\n", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" },
	{ "long-words", "Subject: x\n\n", "%aaaaaaaaaaaaaaaaaaaaaaaaaaa " },
	{ "words", "Subject: x\n\n", "w%x\n" },
	{ "no-spaces", "Content-Type: text/plain; charset=utf-8\n\n",
	  "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e" },
	{ "header-field", "Subject: ", "word% " },
	{ "folded-field", "Subject: x\n", " word%\n" },
	{ "header-fields", "Subject: x\n", "X-Field-%: value\n" },
	{ "header-text", "", "word% x\n" },
	{ "same-fields", "", "Subject: word%\n" },
	{ "empty-fields", "", "X-Face:\n" },
	{ "tiny-addresses", "", "From:a@%\n" },
	{ "tiny-dates", "", "Date:%\n" },
	{ "addresses", "From: ", "a%@b%.example, " },
	{ "encoded-words", "Subject: x\n", " =?utf-8?q?w=C3=A9%?=\n" },
	{ "open-comments", "From: ", "(" },
	{ "nested-parts", "",
	  "Content-Type: multipart/mixed; boundary=b%\n\n--b%\n" },
	{ "nested-messages", "", "Content-Type: message/rfc822\n\n" },
	{ "tiny-parts", "Content-Type: multipart/mixed; boundary=a\n\n",
	  "--a\n\nx\n" },
	{ "alternatives", "Content-Type: multipart/alternative; boundary=a\n\n",
	  "--a\n\nword%\n" },
	{ "near-boundaries", "Content-Type: multipart/mixed; boundary=a\n\n",
	  "--b%\n" },
	{ "parameters", "Content-Type: text/plain", ";\n p%=v" },
	{ "html-tags", "Content-Type: text/html\n\n", "<div style=a%>" },
	{ "html-open", "Content-Type: text/html\n\n", "<" },
	{ "html-comments", "Content-Type: text/html\n\n", "<!-- " },
	{ "html-unclosed", "Content-Type: text/html\n\n", "<!-- >" },
	{ "html-entities", "Content-Type: text/html\n\n", "&#%;&amp" },
	{ "html-names", "Content-Type: text/html\n\n", "&abcdef" },
	{ "html-styles", "Content-Type: text/html\n\n",
	  "<p style='font:/**/%;color:#%'>" },
	{ "html-formats", "Content-Type: text/html\n\n", "<p><b><a><i>" },
	{ "html-attributes", "Content-Type: text/html\n\n<a ", "a%=b " },
	{ "urls", "Subject: x\n\n", "http://h%.example/p%?q\n" },
	{ "long-url", "Subject: x\n\nhttp://h.example/", "a/%" },
	{ "dots", "Subject: x\n\nhttp://", "a." },
	{ "at-signs", "Subject: x\n\n", "a@" },
	{ "base64", "Content-Transfer-Encoding: base64\n\n",
	  "YWFhIGJiYiBjY2MgZGRkIGVlZSBmZmYgZ2dn\n" },
	{ "qp", "Content-Transfer-Encoding: quoted-printable\n\n", "=C3=A9=\n" },
	{ "combining", "Content-Type: text/plain; charset=utf-8\n\n",
	  "\xcc\x81" },
	{ "nul", "Subject: x\n\n", "\x01\xff" },
};

static void shape_write_unit(const char *unit, unsigned int num, FILE *f)
{
	for (; *unit != '\0'; unit++) {
		if (*unit == '%')
			fprintf(f, "%u", num);
		else
			putc(*unit, f);
	}
}

static void shape_write(const struct shape *shape, size_t size, FILE *f)
{
	unsigned int i = 0;

	fputs(shape->head, f);
	while (ftell(f) >= 0 && (size_t)ftell(f) < size) {
		for (unsigned int j = 0; j < 64; j++)
			shape_write_unit(shape->unit, i++, f);
	}
}

/* callgrind counts the instructions of this function by its name. */
static void __attribute__((noinline)) shape_tokenize(const char *path)
{
	struct istream *input = i_stream_create_file(path, 64*1024);
	pool_t pool = pool_alloconly_create("shape", 1024);
	struct junk_message msg;
	const char *error;

	if (junk_tokenize(input, NULL, pool, &msg, &error) < 0)
		i_fatal("junk_tokenize() failed: %s", error);
	i_stream_unref(&input);
	pool_unref(&pool);
}

/* Returns VmHWM or VmRSS in kB. */
static long status_kbytes(const char *name)
{
	char line[256];
	long value = -1;
	FILE *f = fopen("/proc/self/status", "r");

	if (f == NULL)
		i_fatal("fopen(/proc/self/status) failed: %m");
	while (fgets(line, sizeof(line), f) != NULL) {
		if (strncmp(line, name, strlen(name)) == 0)
			value = strtol(line + strlen(name) + 1, NULL, 10);
	}
	(void)fclose(f);
	return value;
}

static void list_shapes(void)
{
	for (unsigned int i = 0; i < N_ELEMENTS(shapes); i++)
		printf("%s\n", shapes[i].name);
}

static void
write_file(const char *name, const char *size_text, const char *path)
{
	const struct shape *shape = NULL;
	unsigned int size;
	FILE *f;

	for (unsigned int i = 0; i < N_ELEMENTS(shapes); i++) {
		if (strcmp(shapes[i].name, name) == 0)
			shape = &shapes[i];
	}
	if (shape == NULL || str_to_uint(size_text, &size) < 0)
		i_fatal("usage: shape [[NAME BYTES] FILE]");
	f = fopen(path, "w");
	if (f == NULL)
		i_fatal("fopen(%s) failed: %m", path);
	shape_write(shape, size, f);
	if (fclose(f) != 0)
		i_fatal("write(%s) failed: %m", path);
}

static void measure_file(const char *path)
{
	long before = status_kbytes("VmRSS");

	shape_tokenize(path);
	printf("kbytes=%ld\n", status_kbytes("VmHWM") - before);
}

int main(int argc, char *argv[])
{
	lib_init();
	if (argc > 2 && strcmp(argv[1], "-") == 0) {
		for (int i = 2; i < argc; i++)
			shape_tokenize(argv[i]);
	} else if (argc == 4)
		write_file(argv[1], argv[2], argv[3]);
	else if (argc == 2)
		measure_file(argv[1]);
	else
		list_shapes();
	lib_deinit();
	return 0;
}
