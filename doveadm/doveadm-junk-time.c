#include "lib.h"
#include "strnum.h"
#include "utc-mktime.h"

#include "doveadm-junk.h"

#include <time.h>

#define DAY_SECS 86400

static bool parse_ago(const char *str, time_t now, time_t *time_r)
{
	static const struct {
		char unit;
		unsigned int secs;
	} units[] = {
		{ 'h', 3600 }, { 'd', DAY_SECS }, { 'w', 7 * DAY_SECS },
	};
	const char *end;
	uintmax_t num;

	if (str_parse_uintmax(str, &num, &end) < 0 || strlen(end) != 1 ||
	    num > 100000)
		return FALSE;
	for (unsigned int i = 0; i < N_ELEMENTS(units); i++) {
		if (units[i].unit == *end) {
			*time_r = now - (time_t)(num * units[i].secs);
			return TRUE;
		}
	}
	return FALSE;
}

/* Days are in UTC, as in the database. */
static bool parse_day(const char *str, time_t now, time_t *time_r)
{
	time_t today = now / DAY_SECS * DAY_SECS;

	if (strcmp(str, "today") == 0)
		*time_r = today;
	else if (strcmp(str, "yesterday") == 0)
		*time_r = today - DAY_SECS;
	else
		return FALSE;
	return TRUE;
}

/* Two digits (or four), and what follows them. */
static bool
parse_digits(const char **str, unsigned int count, char next, int *num_r)
{
	*num_r = 0;
	for (; count > 0; count--, (*str)++) {
		if (**str < '0' || **str > '9')
			return FALSE;
		*num_r = *num_r * 10 + (**str - '0');
	}
	if (**str != next)
		return FALSE;
	if (next != '\0')
		(*str)++;
	return TRUE;
}

static bool parse_date(const char *str, time_t *time_r)
{
	struct tm tm, check;
	bool with_time = strlen(str) > 10;

	i_zero(&tm);
	if (!parse_digits(&str, 4, '-', &tm.tm_year) ||
	    !parse_digits(&str, 2, '-', &tm.tm_mon) ||
	    !(parse_digits(&str, 2, '\0', &tm.tm_mday) || with_time))
		return FALSE;
	if (with_time) {
		if ((*str != ' ' && *str != 'T') ||
		    (str++, !parse_digits(&str, 2, ':', &tm.tm_hour)) ||
		    !parse_digits(&str, 2, '\0', &tm.tm_min))
			return FALSE;
	}
	tm.tm_year -= 1900;
	tm.tm_mon--;
	check = tm;
	*time_r = utc_mktime(&check);
	/* mktime() changes a day or hour that doesn't exist to another one */
	return *time_r != (time_t)-1 && check.tm_mon == tm.tm_mon &&
		check.tm_mday == tm.tm_mday && check.tm_hour == tm.tm_hour &&
		check.tm_min == tm.tm_min;
}

int doveadm_junk_parse_time(const char *str, time_t now, time_t *time_r,
			    const char **error_r)
{
	if (parse_ago(str, now, time_r) || parse_day(str, now, time_r) ||
	    parse_date(str, time_r))
		return 0;
	*error_r = t_strdup_printf("%s is not a valid time: use e.g. 24h, "
				   "7d, 2w, yesterday, 2026-03-31 or "
				   "\"2026-03-31 17:00\" (UTC)", str);
	return -1;
}

int doveadm_junk_parse_since(const char *str, time_t now, time_t *time_r,
			     const char **error_r)
{
	if (doveadm_junk_parse_time(str, now, time_r, error_r) < 0)
		return -1;
	if (*time_r <= now)
		return 0;
	*error_r = t_strdup_printf("%s is in the future", str);
	return -1;
}
