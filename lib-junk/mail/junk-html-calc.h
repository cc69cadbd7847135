#ifndef JUNK_HTML_CALC_H
#define JUNK_HTML_CALC_H

/* CSS mathematics (CSS Values 4): a declaration's value in lower case, in which
   each calc(), min(), max() and clamp() is the number that it gives, in pixels if
   it is a length. One that isn't understood stays. The result is value itself, or
   on the data stack. */
const char *junk_css_calc(const char *value);

/* The pixels of a unit that str begins with; *size_r: its letters. 0 if it is
   none, or an empty one. 1 % is some pixels. */
double junk_css_unit(const char *str, size_t *size_r);

#endif
