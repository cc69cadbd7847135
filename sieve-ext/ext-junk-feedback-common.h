#ifndef EXT_JUNK_FEEDBACK_COMMON_H
#define EXT_JUNK_FEEDBACK_COMMON_H

#include "sieve-common.h"
#include "sieve-extensions.h"
#include "sieve-ext-variables.h"

#include "junk-compat.h"
#include "junk-model.h"
#include "junk-tokenizer.h"
#include "junk-settings.h"

/* The socket of the service in Dovecot's base_dir */
#define JUNK_FEEDBACK_SOCKET_NAME "junk-feedback"

/* The score's value in scripts if the message has no score */
#define JUNK_FEEDBACK_UNKNOWN "unknown"

struct mail_user;

/* State of one Sieve instance, that is, of one delivery's user. */
struct ext_junk_feedback_context {
	pool_t pool;
	const struct junk_settings *set;
	const struct sieve_extension *var_ext;

	/* The user's identity, valid if reporter_found. It is looked up
	   once. */
	unsigned char reporter[JUNK_REPORTER_BYTES];
	bool reporter_checked:1;
	bool reporter_found:1;
};

extern const struct sieve_extension_def junk_feedback_extension;
extern const struct sieve_command_def junkscore_test;
extern const struct sieve_command_def junkreport_command;
extern const struct sieve_operation_def junkscore_operation;
extern const struct sieve_operation_def junkreport_operation;
extern const struct sieve_operand_def junk_namespace_operand;

enum ext_junk_feedback_opcode {
	JUNK_FEEDBACK_OPERATION_SCORE,
	JUNK_FEEDBACK_OPERATION_REPORT,
};

/* Get the score of the message for its recipient. It is computed at the first
   call and kept with the message, so it doesn't change when editheader changes
   the message. Never fails: the score of a message that can't be read is
   unknown. */
const struct junk_score *
ext_junk_feedback_get_score(const struct sieve_extension *ext,
			    const struct sieve_runtime_env *renv);
/* The score's value in scripts: "0".."100" or "unknown". */
const char *ext_junk_feedback_score_string(const struct junk_score *score);

/* Tokenize the message as it was delivered. The tokens are allocated from the
   pool. Returns 0, or -1 with error_r if the message can't be read. */
int ext_junk_feedback_tokenize(const struct sieve_extension *ext,
			       const struct sieve_runtime_env *renv,
			       pool_t pool, struct junk_message *msg_r,
			       const char **error_r);
/* Returns the user's control directory, which holds identity and spool. It is
   created if create is TRUE. Returns NULL if the user has none, as in some
   tools, or if it can't be created, which is logged. */
const char *
ext_junk_feedback_control_dir(struct mail_user *user, bool create);

/* Register the variables ${junk.score}, ${junk.threshold} and
   ${junk.reason}. */
void ext_junk_feedback_variables_init(const struct sieve_extension *ext,
				      struct sieve_validator *valdtr);

/* Free the segment and the tokenizer that the process keeps between
   deliveries. */
void ext_junk_feedback_deinit(void);

#endif
