#include "lib.h"
#include "str.h"
#include "junk-ascii.h"
#include "junk-html-calc.h"

#include <math.h>
#include <stdlib.h>

/* Maximum depth of brackets, and of a result, which is more than the size of
   any screen. */
#define MAX_DEPTH 8
#define MAX_NUMBER 1e6

enum calc_unit {
	CALC_NUMBER,
	CALC_PERCENT,
	CALC_PIXELS,
	CALC_DEGREES,
};

struct calc {
	const char *pos;
	unsigned int depth;
	/* unit of the result: a number combined with a length is a length */
	enum calc_unit unit;
};

static const char *const functions[] = { "calc(", "min(", "max(", "clamp(" };

double junk_css_unit(const char *str, size_t *size_r)
{
	static const struct {
		const char *unit;
		double px;
	} units[] = {
		{ "px", 1 }, { "pt", 1.33 }, { "rem", 16 }, { "em", 16 },
		{ "%", 8 }, { "in", 96 }, { "cm", 38 }, { "mm", 3.8 },
		{ "pc", 16 }, { "ex", 8 }, { "ch", 8 }, { "q", 0.95 },
		{ "vw", 8 }, { "vh", 8 }, { "vmin", 8 }, { "vmax", 8 },
		{ "vi", 8 }, { "vb", 8 }, { "lh", 18 }, { "rlh", 18 },
		{ "svw", 8 }, { "svh", 8 }, { "lvw", 8 }, { "lvh", 8 },
		{ "dvw", 8 }, { "dvh", 8 }, { "cap", 12 }, { "ic", 16 },
	};
	size_t size = *str == '%' ? 1 : 0;

	if (size == 0) {
		while (ascii_isalpha(str[size]))
			size++;
	}
	*size_r = size;
	for (unsigned int i = 0; i < N_ELEMENTS(units); i++) {
		if (strlen(units[i].unit) == size &&
		    memcmp(units[i].unit, str, size) == 0)
			return units[i].px;
	}
	return 0;
}

static bool calc_sum(struct calc *calc, double *num_r);

/* Returns the degrees of a unit of angles, 0 if it is unknown. */
static double calc_degrees(const char *str, size_t size)
{
	static const struct {
		const char *unit;
		double degrees;
	} units[] = {
		{ "deg", 1 }, { "turn", 360 }, { "rad", 180 / M_PI },
		{ "grad", 0.9 },
	};

	for (unsigned int i = 0; i < N_ELEMENTS(units); i++) {
		if (strlen(units[i].unit) == size &&
		    memcmp(units[i].unit, str, size) == 0)
			return units[i].degrees;
	}
	return 0;
}

static void calc_blanks(struct calc *calc)
{
	calc->pos += strspn(calc->pos, " ");
}

static bool calc_number(struct calc *calc, double *num_r)
{
	enum calc_unit unit = CALC_NUMBER;
	double px;
	size_t size;
	char *end;

	/* strtod() would accept "infinity", "nan" and "0x1" */
	if (strspn(calc->pos, "0123456789.") == 0 ||
	    (calc->pos[0] == '0' && calc->pos[1] == 'x'))
		return FALSE;
	*num_r = strtod(calc->pos, &end);
	if (end == calc->pos)
		return FALSE;
	px = junk_css_unit(end, &size);
	calc->pos = end + size;
	if (px != 0) {
		unit = *end == '%' ? CALC_PERCENT : CALC_PIXELS;
		if (unit == CALC_PIXELS)
			*num_r *= px;
	} else if (size > 0) {
		if (calc_degrees(end, size) == 0)
			return FALSE;
		*num_r *= calc_degrees(end, size);
		unit = CALC_DEGREES;
	}
	calc->unit = I_MAX(calc->unit, unit);
	return TRUE;
}

/* Parse the arguments of min(), max() or clamp() ("a, b, ...)") or the contents
   of brackets ("a)"). */
static bool calc_arguments(struct calc *calc, char function, double *num_r)
{
	double n[3] = { 0, 0, 0 };
	unsigned int count = 0;

	for (;;) {
		double num;

		if (!calc_sum(calc, &num))
			return FALSE;
		if (count == 0 || (function == 'm' && num < n[0]) ||
		    (function == 'M' && num > n[0]))
			n[0] = num;
		if (count < 3 && count > 0)
			n[count] = num;
		count++;
		calc_blanks(calc);
		if (*calc->pos != ',')
			break;
		calc->pos++;
	}
	if (*calc->pos != ')')
		return FALSE;
	calc->pos++;
	*num_r = function == 'c' ? I_MAX(n[0], I_MIN(n[1], n[2])) : n[0];
	return function == 'c' ? count == 3 : function != '(' || count == 1;
}

static bool calc_factor(struct calc *calc, double *num_r)
{
	static const char letters[] = { '(', 'm', 'M', 'c' };
	bool minus = FALSE, ok = FALSE;

	calc_blanks(calc);
	while (*calc->pos == '-' || *calc->pos == '+')
		minus ^= *calc->pos++ == '-';
	if (calc->depth == MAX_DEPTH)
		return FALSE;
	calc->depth++;
	if (*calc->pos == '(') {
		calc->pos++;
		ok = calc_arguments(calc, '(', num_r);
	} else if (!ascii_isalpha(*calc->pos)) {
		ok = calc_number(calc, num_r);
	}
	for (unsigned int i = 0; i < N_ELEMENTS(functions) && !ok; i++) {
		if (strncmp(calc->pos, functions[i],
			    strlen(functions[i])) != 0)
			continue;
		calc->pos += strlen(functions[i]);
		ok = calc_arguments(calc, letters[i], num_r);
		break;
	}
	calc->depth--;
	if (minus)
		*num_r = -*num_r;
	return ok;
}

static bool calc_product(struct calc *calc, double *num_r)
{
	double num;
	char sign;

	if (!calc_factor(calc, num_r))
		return FALSE;
	for (;;) {
		calc_blanks(calc);
		sign = *calc->pos;
		if (sign != '*' && sign != '/')
			return TRUE;
		calc->pos++;
		if (!calc_factor(calc, &num) || (sign == '/' && num == 0))
			return FALSE;
		*num_r = sign == '*' ? *num_r * num : *num_r / num;
	}
}

static bool calc_sum(struct calc *calc, double *num_r)
{
	double num;
	char sign;

	if (!calc_product(calc, num_r))
		return FALSE;
	for (;;) {
		calc_blanks(calc);
		sign = *calc->pos;
		if (sign != '+' && sign != '-')
			return TRUE;
		calc->pos++;
		if (!calc_product(calc, &num))
			return FALSE;
		*num_r += sign == '+' ? num : -num;
	}
}

/* Append the result of the function at str. Returns a pointer behind the
   function, NULL if it isn't understood. */
static const char *calc_append(string_t *dest, const char *str)
{
	static const char *const units[] = { "", "%", "px", "deg" };
	struct calc calc = { .pos = str };
	double num;

	if (!calc_factor(&calc, &num) || isnan(num))
		return NULL;
	num = I_MIN(MAX_NUMBER, I_MAX(-MAX_NUMBER, num));
	str_printfa(dest, "%.4f%s", num, units[calc.unit]);
	return calc.pos;
}

const char *junk_css_calc(const char *value)
{
	const char *p = value, *end;
	string_t *dest;

	if (strchr(value, '(') == NULL)
		return value;
	dest = t_str_new(64);
	while (*p != '\0') {
		end = NULL;
		for (unsigned int i = 0; i < N_ELEMENTS(functions) &&
		     (p == value || !ascii_isalnum(p[-1])); i++) {
			if (strncmp(p, functions[i], strlen(functions[i])) == 0)
				end = calc_append(dest, p);
		}
		if (end != NULL)
			p = end;
		else
			str_append_c(dest, *p++);
	}
	return str_c(dest);
}
