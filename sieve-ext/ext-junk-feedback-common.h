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

/* The score as scripts see it if there is none */
#define JUNK_FEEDBACK_UNKNOWN "unknown"

struct mail_user;

/* Of one Sieve instance, that is: of one delivery user. */
struct ext_junk_feedback_context {
	pool_t pool;
	const struct junk_settings *set;
	const struct sieve_extension *var_ext;

	/* The user's identity, once it was looked for. */
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

/* The score of the message for its recipient. Computed at first use and kept
   with the message; the same also after editheader has changed it. Always
   gives a result: what can't be read or scored is unknown. */
const struct junk_score *
ext_junk_feedback_get_score(const struct sieve_extension *ext,
			    const struct sieve_runtime_env *renv);
/* The score as scripts see it: "0".."100" or "unknown". */
const char *ext_junk_feedback_score_string(const struct junk_score *score);

/* Tokens of the message as it was delivered, allocated from the pool. Returns
   -1 and error_r if it can't be read. */
int ext_junk_feedback_tokenize(const struct sieve_extension *ext,
			       const struct sieve_runtime_env *renv,
			       pool_t pool, struct junk_message *msg_r,
			       const char **error_r);
/* The user's control directory, where identity and spool are; it is made if
   create is TRUE. NULL if the user has none, as in some tools, or if it can't be
   made, which is logged. */
const char *
ext_junk_feedback_control_dir(struct mail_user *user, bool create);

/* ${junk.score} and others */
void ext_junk_feedback_variables_init(const struct sieve_extension *ext,
				      struct sieve_validator *valdtr);

/* Free what the process has kept from delivery to delivery. */
void ext_junk_feedback_deinit(void);

#endif
