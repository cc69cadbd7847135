#ifndef DOVEADM_JUNK_RATE_H
#define DOVEADM_JUNK_RATE_H

/* Wilson's 95 % interval of count in total > 0, in percent: right for rare
   events, too. */
void junk_rate_interval(int64_t count, int64_t total,
			double *low_r, double *high_r);

#endif
