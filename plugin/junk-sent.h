#ifndef JUNK_SENT_H
#define JUNK_SENT_H

/* A person's own list of trusted senders (junk-allow.h) follows what the person
   does: whoever was written to is trusted, until one of his messages is reported
   as spam. */

struct istream;
struct mail;
struct junk_txn;
struct junk_user;

/* A client has saved a message to a mailbox for sent mail: add its
   recipients. */
void junk_sent_saved(struct junk_txn *txn, struct mail *mail);
/* The user has reported a message as spam: if the sender is certain, remove it,
   unless it was added by command. */
void junk_sent_distrust(struct junk_user *juser, struct istream *input);

#endif
