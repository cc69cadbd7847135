#ifndef DOVEADM_JUNK_RATE_H
#define DOVEADM_JUNK_RATE_H

/* Wilson's 95 % confidence interval of count in total, in percent. total must
   be > 0. It is accurate for rare events too (Wilson 1927). */
void junk_rate_interval(int64_t count, int64_t total,
			double *low_r, double *high_r);

#endif
