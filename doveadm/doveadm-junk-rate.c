#include "lib.h"

#include "doveadm-junk-rate.h"

#include <math.h>

/* quantile of the normal distribution for a 95 % interval */
#define INTERVAL_Z 1.959964

void junk_rate_interval(int64_t count, int64_t total,
			double *low_r, double *high_r)
{
	double n = total, p = count / n, z2 = INTERVAL_Z * INTERVAL_Z;
	double middle = p + z2 / (2 * n);
	double width = INTERVAL_Z * sqrt(p * (1 - p) / n + z2 / (4 * n * n));

	*low_r = 100 * (middle - width) / (1 + z2 / n);
	*high_r = 100 * (middle + width) / (1 + z2 / n);
	/* the bounds for none and for all are exact, without rounding errors */
	if (count == 0)
		*low_r = 0;
	if (count == total)
		*high_r = 100;
}
