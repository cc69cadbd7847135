#ifndef JUNK_HTML_CALC_H
#define JUNK_HTML_CALC_H

/* Arithmetic in values of CSS properties. */

/* Returns a declaration's value (in lower case) in which each calc(), min(),
   max() and clamp() (CSS Values 4) is replaced by its result, in pixels if it
   is a length. Functions that aren't understood stay. The result is value
   itself, or on the data stack. */
const char *junk_css_calc(const char *value);

/* Returns the size in pixels of the unit that str begins with, 0 if there is no
   known unit. *size_r: the number of letters, even of an unknown unit. Relative
   units, such as %, are estimates for a usual window. */
double junk_css_unit(const char *str, size_t *size_r);

#endif
