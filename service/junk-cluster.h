#ifndef JUNK_CLUSTER_H
#define JUNK_CLUSTER_H

#include "junk-engine.h"

/* This host's part in a cluster (doc/cluster.md): it appends its users' reports to
   the shared log, and applies all hosts' records to its own database and model.

   Mail doesn't wait for the log. While it is away, reports aren't acknowledged,
   and wait where they wait while this service is down. */

struct junk_cluster;

/* Begin to connect. Returns NULL and error_r if libpq can't be loaded. */
struct junk_cluster *
junk_cluster_init(struct junk_engine *engine, const char **error_r);
/* Create the cluster's log in the database. It blocks. Returns 0, or -1 and
   error_r. */
int junk_cluster_create(struct junk_cluster *cluster, const char **error_r);
void junk_cluster_deinit(struct junk_cluster **cluster);

/* Number of reports that wait to be sent. */
unsigned int junk_cluster_pending_count(const struct junk_cluster *cluster);
void junk_cluster_add(struct junk_cluster *cluster,
		      const struct junk_report *report);
/* Send the waiting reports. Returns as junk_engine_commit(). */
enum junk_engine_commit junk_cluster_commit(struct junk_cluster *cluster);
/* Append a record that takes reports back on all hosts. Returns 0, or -1 and
   error_r if the log can't be reached now. */
int junk_cluster_forget(struct junk_cluster *cluster,
			const struct junk_forget *forget, const char **error_r);
/* The engine can apply records again. */
void junk_cluster_resume(struct junk_cluster *cluster);

/* Append the status as "key=value" lines. */
void junk_cluster_status(const struct junk_cluster *cluster, string_t *str);

#endif
