#ifndef JUNK_SCHEMA_H
#define JUNK_SCHEMA_H

/* The files of sql/, embedded at build time. */

struct junk_schema_upgrade {
	/* the version that it leads to */
	unsigned int version;
	const char *sql;
};

extern const char junk_schema_schema[];
extern const char junk_schema_views[];
/* in ascending order; ends with version 0 */
extern const struct junk_schema_upgrade junk_schema_upgrades[];

#endif
