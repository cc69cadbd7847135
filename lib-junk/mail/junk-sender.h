#ifndef JUNK_SENDER_H
#define JUNK_SENDER_H

/* Whose mail it certainly is. Anybody can write any From field, so a sender is
   certain only if our own MTA has found that the domain answers for the
   message. */

struct istream;

/* Called with an address in lower case, "local@domain". */
typedef void junk_address_callback_t(const char *address, void *context);

/* Read a message's header from the stream's beginning. Returns the address of
   the sender in lower case, on the data stack, or NULL if it isn't certain,
   that is, unless
   - there is one From field with one mailbox, and every parser finds the same
     one in it;
   - a field Authentication-Results of a host in authserv_ids (separated by
     blanks; "-" and "arc:..." don't count here) has dmarc=pass with
     header.from, or dkim=pass with header.d, which is exactly the domain of the
     address. SPF alone doesn't count, since the customers of one mail provider
     may pass with each other's domains;
   - no such field has another dmarc result than pass or none. */
const char *
junk_sender_read(struct istream *input, const char *authserv_ids);

/* Call the callback for each recipient (To, Cc, Bcc) of a message that its user
   has sent, at most JUNK_MAX_RECIPIENTS. There are none if a program has made
   the message by itself (Auto-Submitted, multipart/report): an answer to a
   request for a receipt, or an automatic reply. */
void junk_recipients_read(struct istream *input,
			  junk_address_callback_t *callback, void *context);

/* Returns TRUE if the text is an address or "@domain" in the form of the above.
   address_r: in lower case, on the data stack. */
bool junk_address_normalize(const char *text, const char **address_r);

#endif
