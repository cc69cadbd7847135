#ifndef JUNK_LIMITS_H
#define JUNK_LIMITS_H

/* Every fixed limit of the project, each with its unit and its reason. A test
   stands at each limit and one past it. */

/* Bytes of one message's parts that are read, with LF line ends; what follows
   is ignored. Spam is small; 50 MB attachments must not cost time. */
#define JUNK_MAX_MESSAGE_BYTES (1024*1024)
/* ... and of the whole as it comes: header fields that delivery adds, and CRs,
   must not move the end of what is read. Header fields have no limit but this
   one: as many as clients read may stand before the subject. */
#define JUNK_MAX_READ_BYTES (JUNK_MAX_MESSAGE_BYTES + JUNK_MAX_MESSAGE_BYTES/2)
/* Bytes of a line in SMTP (RFC 5321, 4.5.3.1.6, without its CRLF). */
#define JUNK_MAX_LINE_BYTES 998
/* Bytes of decoded text that are tokenised in one message. */
#define JUNK_MAX_TEXT_BYTES (256*1024)
/* ... of its markup: what isn't read must not shut out what is. */
#define JUNK_MAX_MARKUP_BYTES (JUNK_MAX_MESSAGE_BYTES/8*7)
/* MIME parts that are told apart: each costs as much as some 100 bytes of text,
   and may be of seven. What follows is text of the last one. Nesting that is
   followed: as much as Dovecot's IMAP server shows to clients (libdovecot's
   message-parser.h). */
#define JUNK_MAX_MIME_PARTS 800
#define JUNK_MAX_MIME_NESTING 100
/* Bytes of one header field that are looked at (unfolded). */
#define JUNK_MAX_HEADER_BYTES (8*1024)
/* ... and of all header fields of one name, in one message. What is said in the
   first ones counts. */
#define JUNK_MAX_FIELD_BYTES (2*JUNK_MAX_HEADER_BYTES)
/* Charsets of one message that are opened because iconv alone knows them: each
   costs as much as to read some kB of text. */
#define JUNK_MAX_ICONV_OPENS 2
/* Messages in one message that are encoded, which MIME forbids and clients show. */
#define JUNK_MAX_INNER_MESSAGES 4
/* Rules of one page's style sheets that say something, and how often one is
   compared with an element. */
#define JUNK_MAX_STYLE_RULES 1000
#define JUNK_MAX_STYLE_CHECKS 100000
/* Elements of one message whose styles are worked out; a style sheet counts as so many
   of them. */
#define JUNK_MAX_STYLES 8192
#define JUNK_STYLES_SHEET 64
/* Texts that wait for which of them is shown. */
#define JUNK_MAX_HELD_TEXTS 64
/* Bytes that buffers keep from one message to the next: processes that wait for
   mail are many. */
#define JUNK_MAX_KEPT_BYTES (128*1024)
/* Bytes of a token's text; longer words are cut. */
#define JUNK_MAX_TOKEN_BYTES 64
/* Bytes of an attached archive (decoded) in which names are looked for: those of
   a small archive, and the first ones of a large one. */
#define JUNK_MAX_ARCHIVE_BYTES (96*1024)
/* Bytes that are unpacked of it: the first names behind a filter. */
#define JUNK_MAX_UNPACKED_BYTES (64*1024)
/* Names in one archive, and archives in one message, that are looked at. */
#define JUNK_MAX_ARCHIVE_MEMBERS 100
#define JUNK_MAX_ARCHIVES 8
/* Distinct tokens of one group (words, structure) in a message: doubling it
   gains nothing (see doc/classifier.md). */
#define JUNK_MAX_GROUP_TOKENS 512
/* ... of which the message's header gives so many at most: fields that nobody
   sees must leave room for the body. */
#define JUNK_MAX_HEADER_TOKENS (JUNK_MAX_GROUP_TOKENS / 2)
/* Distinct tokens in one report: both groups. */
#define JUNK_MAX_TOKENS (2*JUNK_MAX_GROUP_TOKENS)

/* Bytes of one frame's payload on the service's socket: a report with
   JUNK_MAX_TOKENS tokens is 8 kB; text answers are cut here. */
#define JUNK_MAX_FRAME_BYTES (64*1024)
/* Reports that one client connection may have outstanding (not acknowledged)
   before it has to spool: 10,000 moved messages are not unusual. */
#define JUNK_MAX_CLIENT_QUEUE 20000
/* Tokens that an administrator may look up at once: a word can stand in each
   class. */
#define JUNK_MAX_LOOKUP_TOKENS 256
/* Bytes of one user's spool file. */
#define JUNK_MAX_SPOOL_BYTES (32*1024*1024)

#endif
