#ifndef JUNK_LIMITS_H
#define JUNK_LIMITS_H

/* All fixed limits of the project, each with its unit and reason. A test stands
   at each limit and one past it. */

/* Bytes of a message's parts that are read, with LF line ends. The rest is
   ignored: spam is small, and an attachment of 50 MB must not cost time. */
#define JUNK_MAX_MESSAGE_BYTES (1024*1024)
/* Bytes of the whole message that are read. It is larger, so that header fields
   added by the delivery and CRs don't change which text is read. The number of
   header fields has no other limit: a client shows a subject behind any number
   of them. */
#define JUNK_MAX_READ_BYTES (JUNK_MAX_MESSAGE_BYTES + JUNK_MAX_MESSAGE_BYTES/2)
/* Bytes of a line in SMTP (RFC 5321, 4.5.3.1.6, without its CRLF). */
#define JUNK_MAX_LINE_BYTES 998
/* Bytes of decoded text that are tokenised in one message. */
#define JUNK_MAX_TEXT_BYTES (256*1024)
/* Bytes of markup that are read in one message, so that ignored markup leaves
   room for text. */
#define JUNK_MAX_MARKUP_BYTES (JUNK_MAX_MESSAGE_BYTES/8*7)
/* MIME parts that are parsed. A part costs as much time as about 100 bytes of
   text and can be 7 bytes long. The text after the last one belongs to it. The
   nesting is limited as in Dovecot's IMAP server (libdovecot's
   message-parser.h). */
#define JUNK_MAX_MIME_PARTS 800
#define JUNK_MAX_MIME_NESTING 100
/* Bytes of one unfolded header field that are read. */
#define JUNK_MAX_HEADER_BYTES (8*1024)
/* Bytes of all header fields of one name that are read in one message. The
   first ones count. */
#define JUNK_MAX_FIELD_BYTES (2*JUNK_MAX_HEADER_BYTES)
/* Charsets of one message that are opened with iconv, since the built-in tables
   lack them. Opening one takes as long as reading some kB of text. */
#define JUNK_MAX_ICONV_OPENS 2
/* Encoded message/rfc822 parts of one message that are decoded. MIME forbids
   the encoding, but clients show such parts. */
#define JUNK_MAX_INNER_MESSAGES 4
/* Rules of a page's style sheets that have an effect here, and how many
   comparisons of a rule with an element are made. */
#define JUNK_MAX_STYLE_RULES 1000
#define JUNK_MAX_STYLE_CHECKS 100000
/* Elements of one message whose styles are worked out; a style sheet counts as so many
   of them. */
#define JUNK_MAX_STYLES 8192
#define JUNK_STYLES_SHEET 64
/* Alternative texts that are held back until it is known which one is shown. */
#define JUNK_MAX_HELD_TEXTS 64
/* Bytes that buffers keep allocated between messages. Many processes wait for
   mail. */
#define JUNK_MAX_KEPT_BYTES (128*1024)
/* Bytes of a token's text; longer words are cut. */
#define JUNK_MAX_TOKEN_BYTES 64
/* Bytes of an attached archive, after decoding, in which member names are
   searched: a small archive as a whole, the first names of a large one. */
#define JUNK_MAX_ARCHIVE_BYTES (96*1024)
/* Bytes that are unpacked of an archive, for the first names behind a
   compression filter. */
#define JUNK_MAX_UNPACKED_BYTES (64*1024)
/* Member names in one archive, and archives in one message, that are read. */
#define JUNK_MAX_ARCHIVE_MEMBERS 100
#define JUNK_MAX_ARCHIVES 8
/* Distinct tokens of one group (words, structure) in a message. Twice as many
   don't improve the results (doc/classifier.md). */
#define JUNK_MAX_GROUP_TOKENS 512
/* Distinct tokens of one group that the header may add, so that invisible
   fields leave room for the body. */
#define JUNK_MAX_HEADER_TOKENS (JUNK_MAX_GROUP_TOKENS / 2)
/* Distinct tokens in one report: both groups. */
#define JUNK_MAX_TOKENS (2*JUNK_MAX_GROUP_TOKENS)

/* Bytes of a trusted sender's address (RFC 5321, 4.5.3.1: 64 + 1 + 255). */
#define JUNK_MAX_ADDRESS_BYTES 320
/* Recipients of one sent message that its user trusts from then on. A message to
   more is a circular. */
#define JUNK_MAX_RECIPIENTS 50
/* Entries of a user's list of trusted senders. When it is full, the oldest ones
   that were learned from sent mail go. */
#define JUNK_MAX_ALLOWED 8192
/* Bytes of the administrator's file of trusted senders, which is read whole. */
#define JUNK_MAX_ALLOW_FILE_BYTES (256*1024)

/* Bytes of one frame's payload on the service's socket: a report with
   JUNK_MAX_TOKENS tokens is 8 kB; text answers are cut here. */
#define JUNK_MAX_FRAME_BYTES (64*1024)
/* Reports that one client connection may have outstanding (not acknowledged)
   before it has to spool: 10,000 moved messages are not unusual. */
#define JUNK_MAX_CLIENT_QUEUE 20000
/* Tokens in one lookup by an administrator: a word can be in each class. */
#define JUNK_MAX_LOOKUP_TOKENS 256
/* Bytes of one user's spool file. */
#define JUNK_MAX_SPOOL_BYTES (32*1024*1024)

#endif
