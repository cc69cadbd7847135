#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "junk-milter-settings.h"

enum setting_type {
	SETTING_STRING,
	SETTING_BOOL,
	/* 1..100, or "off" */
	SETTING_THRESHOLD,
};

struct setting {
	const char *name;
	enum setting_type type;
	size_t offset;
	const char *value;
};

#define SETTING(name, type, value) \
	{ #name, type, offsetof(struct junk_milter_settings, name), value }

/* name, type, default */
static const struct setting settings[] = {
	/* inside Postfix's queue directory, since its smtpd is chrooted there
	   on Debian */
	SETTING(socket, SETTING_STRING,
		"unix:/var/spool/postfix/junk-feedback-milter/milter.sock"),
	SETTING(scores, SETTING_STRING, "/run/dovecot/junk-feedback.scores"),
	SETTING(allow_file, SETTING_STRING, ""),
	SETTING(authserv_id, SETTING_STRING, ""),
	SETTING(mx, SETTING_STRING, ""),
	SETTING(reject, SETTING_THRESHOLD, "off"),
	SETTING(defer, SETTING_THRESHOLD, "off"),
	SETTING(quarantine, SETTING_THRESHOLD, "off"),
	SETTING(tag, SETTING_THRESHOLD, "90"),
	SETTING(dry_run, SETTING_BOOL, "no"),
	SETTING(skip_authenticated, SETTING_BOOL, "yes"),
	SETTING(skip_local, SETTING_BOOL, "yes"),
	SETTING(skip_recipients, SETTING_STRING, ""),
	SETTING(reply_file, SETTING_STRING, ""),
};
#define SETTINGS_COUNT (sizeof(settings) / sizeof(settings[0]))

/* The default text of a rejection. The setting reply_file replaces it. */
static const char *const default_reply_lines[] = {
	"Your message was not accepted: its content looks like spam.",
	"If you are a person, please write again in other words or call the recipient.",
	"Ihre Nachricht wurde nicht angenommen: Ihr Inhalt wurde als Spam eingestuft.",
	"Wenn Sie ein Mensch sind, schreiben Sie bitte noch einmal mit anderen Worten oder rufen Sie an.",
};

static char *xstrdup(const char *text)
{
	char *copy = strdup(text);

	if (copy == NULL)
		abort();
	return copy;
}

static int parse_bool(const char *value, int *result)
{
	if (strcmp(value, "yes") == 0)
		*result = 1;
	else if (strcmp(value, "no") == 0)
		*result = 0;
	else
		return -1;
	return 0;
}

static int parse_threshold(const char *value, int *result)
{
	char *end;
	long num;

	if (strcmp(value, "off") == 0) {
		*result = 0;
		return 0;
	}
	num = strtol(value, &end, 10);
	if (end == value || *end != '\0' || num < 1 || num > 100)
		return -1;
	*result = (int)num;
	return 0;
}

/* Set one setting. Returns NULL, or a description of valid values if this one
   is invalid. */
static const char *
setting_set(struct junk_milter_settings *set, const struct setting *setting,
	    const char *value)
{
	void *field = (char *)set + setting->offset;

	switch (setting->type) {
	case SETTING_STRING:
		free(*(char **)field);
		*(char **)field = xstrdup(value);
		break;
	case SETTING_BOOL:
		if (parse_bool(value, field) < 0)
			return "yes or no";
		break;
	case SETTING_THRESHOLD:
		if (parse_threshold(value, field) < 0)
			return "a score from 1 to 100, or off";
		break;
	}
	return NULL;
}

static void reply_lines_free(struct junk_milter_settings *set)
{
	for (char **line = set->reply_lines; *line != NULL; line++) {
		free(*line);
		*line = NULL;
	}
}

void junk_milter_settings_init(struct junk_milter_settings *set)
{
	memset(set, 0, sizeof(*set));
	for (size_t i = 0; i < SETTINGS_COUNT; i++)
		(void)setting_set(set, &settings[i], settings[i].value);
	for (size_t i = 0; i < sizeof(default_reply_lines) /
		     sizeof(default_reply_lines[0]); i++)
		set->reply_lines[i] = xstrdup(default_reply_lines[i]);
}

void junk_milter_settings_deinit(struct junk_milter_settings *set)
{
	for (size_t i = 0; i < SETTINGS_COUNT; i++) {
		if (settings[i].type == SETTING_STRING)
			free(*(char **)((char *)set + settings[i].offset));
	}
	reply_lines_free(set);
	memset(set, 0, sizeof(*set));
}

/* Remove comment and surrounding white space in place. Returns the first
   character that remains. */
static char *trim(char *line)
{
	char *end;

	while (isspace((unsigned char)*line))
		line++;
	end = line + strlen(line);
	while (end > line && isspace((unsigned char)end[-1]))
		end--;
	*end = '\0';
	return *line == '#' ? end : line;
}

static int parse_line(struct junk_milter_settings *set, char *line,
		      char *error, size_t error_size)
{
	char *name = trim(line), *value = strchr(name, '=');
	const char *wanted;

	if (*name == '\0')
		return 0;
	if (value == NULL) {
		snprintf(error, error_size, "expected: name = value");
		return -1;
	}
	*value++ = '\0';
	name = trim(name);
	value = trim(value);
	for (size_t i = 0; i < SETTINGS_COUNT; i++) {
		if (strcmp(settings[i].name, name) != 0)
			continue;
		wanted = setting_set(set, &settings[i], value);
		if (wanted == NULL)
			return 0;
		snprintf(error, error_size, "%s = %s: must be %s",
			 name, value, wanted);
		return -1;
	}
	snprintf(error, error_size, "unknown setting: %s", name);
	return -1;
}

/* An SMTP reply must be printable ASCII. '%' is not allowed, since libmilter
   uses the text as a format. */
static int reply_line_check(const char *line, char *error, size_t error_size)
{
	if (strlen(line) > JUNK_MILTER_MAX_REPLY_LINE) {
		snprintf(error, error_size, "line is longer than %d bytes",
			 JUNK_MILTER_MAX_REPLY_LINE);
		return -1;
	}
	for (; *line != '\0'; line++) {
		if ((unsigned char)*line < 0x20 ||
		    (unsigned char)*line > 0x7e || *line == '%') {
			snprintf(error, error_size,
				 "must be printable ASCII without '%%'");
			return -1;
		}
	}
	return 0;
}

static int parse_reply_line(struct junk_milter_settings *set, char *line,
			    char *error, size_t error_size)
{
	size_t count = 0;

	line = trim(line);
	if (*line == '\0')
		return 0;
	while (set->reply_lines[count] != NULL)
		count++;
	if (count == JUNK_MILTER_MAX_REPLY_LINES) {
		snprintf(error, error_size, "more than %d lines",
			 JUNK_MILTER_MAX_REPLY_LINES);
		return -1;
	}
	if (reply_line_check(line, error, error_size) < 0)
		return -1;
	set->reply_lines[count] = xstrdup(line);
	return 0;
}

typedef int parse_func(struct junk_milter_settings *set, char *line,
		       char *error, size_t error_size);

static int parse_file(struct junk_milter_settings *set, const char *path,
		      parse_func *parse, char *error, size_t error_size)
{
	FILE *file = fopen(path, "r");
	char *line = NULL, why[256];
	size_t size = 0;
	unsigned int number = 0;
	int ret = 0;

	if (file == NULL) {
		snprintf(error, error_size, "%s: %s", path, strerror(errno));
		return -1;
	}
	while (ret == 0 && getline(&line, &size, file) >= 0) {
		number++;
		ret = parse(set, line, why, sizeof(why));
	}
	if (ret < 0)
		snprintf(error, error_size, "%s line %u: %s",
			 path, number, why);
	free(line);
	fclose(file);
	return ret;
}

int junk_milter_settings_read(struct junk_milter_settings *set,
			      const char *path, char *error,
			      size_t error_size)
{
	if (parse_file(set, path, parse_line, error, error_size) < 0)
		return -1;
	if (*set->allow_file != '\0' && access(set->allow_file, R_OK) < 0) {
		snprintf(error, error_size, "allow_file %s: %s",
			 set->allow_file, strerror(errno));
		return -1;
	}
	if (*set->reply_file == '\0')
		return 0;
	reply_lines_free(set);
	if (parse_file(set, set->reply_file, parse_reply_line,
		       error, error_size) < 0)
		return -1;
	if (set->reply_lines[0] == NULL) {
		snprintf(error, error_size, "%s: the file has no text",
			 set->reply_file);
		return -1;
	}
	return 0;
}
