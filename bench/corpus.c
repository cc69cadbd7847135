/* See corpus.h. */

#include "lib.h"
#include "array.h"
#include "buffer.h"
#include "istream.h"
#include "str.h"
#include "corpus.h"

#include <fcntl.h>
#include <unistd.h>

#define MAX_MAIL_BYTES (64*1024*1024)

uint64_t corpus_mail_domain(const struct corpus_mail *mail)
{
	for (unsigned int i = 0; i < mail->token_count; i++) {
		if (junk_token_class(mail->tokens[i]) ==
		    JUNK_TOKEN_SENDER_DOMAIN)
			return mail->tokens[i];
	}
	return 0;
}

uint64_t corpus_random_next(struct corpus_random *random)
{
	/* splitmix64 */
	uint64_t x = (random->state += UINT64_C(0x9e3779b97f4a7c15));

	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

double corpus_random_double(struct corpus_random *random)
{
	return (corpus_random_next(random) >> 11) * 0x1p-53;
}

void corpus_random_shuffle(struct corpus_random *random, void *items,
			   unsigned int count, size_t size)
{
	void *tmp = i_malloc(size);

	for (unsigned int i = count; i > 1; i--) {
		const unsigned int j = corpus_random_next(random) % i;
		void *last = PTR_OFFSET(items, (i - 1) * size);
		void *other = PTR_OFFSET(items, j * size);

		memcpy(tmp, last, size);
		memmove(last, other, size);
		memcpy(other, tmp, size);
	}
	i_free(tmp);
}

void corpus_shuffle(struct corpus *corpus, struct corpus_random *random)
{
	unsigned int count;
	struct corpus_mail *mails =
		array_get_modifiable(&corpus->mails, &count);

	corpus_random_shuffle(random, mails, count, sizeof(*mails));
}

int corpus_read_mail(const char *path, buffer_t *dest, const char **error_r)
{
	const unsigned char *p;
	ssize_t ret;
	int fd = open(path, O_RDONLY);

	if (fd == -1) {
		*error_r = t_strdup_printf("open(%s) failed: %m", path);
		return -1;
	}
	buffer_set_used_size(dest, 0);
	do {
		void *data = buffer_append_space_unsafe(dest, 64*1024);
		ret = read(fd, data, 64*1024);
		buffer_set_used_size(dest, dest->used - 64*1024 +
				     I_MAX(ret, 0));
	} while (ret > 0 && dest->used < MAX_MAIL_BYTES);
	if (ret < 0)
		*error_r = t_strdup_printf("read(%s) failed: %m", path);
	i_close_fd(&fd);
	if (dest->used > 5 && memcmp(dest->data, "From ", 5) == 0) {
		/* a line of the mbox format that isn't part of the message */
		p = memchr(dest->data, '\n', dest->used);
		buffer_delete(dest, 0, p == NULL ? dest->used :
			      (size_t)(p - (const unsigned char *)dest->data +
				       1));
	}
	return ret < 0 ? -1 : 0;
}

static bool strip_keeps(const char *line)
{
	static const char *const names[] = {
		"subject:", "from:", "to:", "content-"
	};

	for (unsigned int i = 0; i < N_ELEMENTS(names); i++) {
		if (strncasecmp(line, names[i], strlen(names[i])) == 0)
			return TRUE;
	}
	return FALSE;
}

static void
mail_strip(const unsigned char *data, size_t size, buffer_t *dest)
{
	const unsigned char *end = data + size, *next;
	bool keep = FALSE;

	while (data < end && *data != '\n' &&
	       !(*data == '\r' && data + 1 < end && data[1] == '\n')) {
		next = memchr(data, '\n', end - data);
		next = next == NULL ? end : next + 1;
		if (*data != ' ' && *data != '\t') {
			T_BEGIN {
				keep = strip_keeps(t_strndup(data,
					I_MIN(next - data, 16)));
			} T_END;
		}
		if (keep)
			buffer_append(dest, data, next - data);
		data = next;
	}
	buffer_append(dest, data, end - data);
}

static int
corpus_add(struct corpus *corpus, const char *path, bool spam, bool strip,
	   buffer_t *raw, buffer_t *stripped, const char **error_r)
{
	struct corpus_mail *mail;
	struct junk_message msg;
	struct istream *input;
	const unsigned char *data;
	size_t size;

	if (corpus_read_mail(path, raw, error_r) < 0)
		return -1;
	data = raw->data;
	size = raw->used;
	if (strip) {
		buffer_set_used_size(stripped, 0);
		mail_strip(data, size, stripped);
		data = stripped->data;
		size = stripped->used;
	}
	input = i_stream_create_from_data(data, size);
	if (junk_tokenize(input, NULL, pool_datastack_create(), &msg,
			  error_r) < 0)
		i_unreached();
	i_stream_unref(&input);

	mail = array_append_space(&corpus->mails);
	mail->path = p_strdup(corpus->pool, path);
	mail->spam = spam;
	mail->token_count = array_count(&msg.tokens);
	mail->tokens = p_memdup(corpus->pool, array_front(&msg.tokens),
				mail->token_count * sizeof(junk_token_t));
	junk_message_digest(&msg, mail->digest);
	if (spam)
		corpus->spam_count++;
	else
		corpus->ham_count++;
	return 0;
}

static int
corpus_add_line(struct corpus *corpus, const char *dir, const char *line,
		bool strip, buffer_t *raw, buffer_t *stripped,
		const char **error_r)
{
	bool spam;

	if (strncmp(line, "spam", 4) == 0)
		spam = TRUE;
	else if (strncmp(line, "ham", 3) == 0)
		spam = FALSE;
	else
		goto error;
	line += spam ? 4 : 3;
	if (*line != ' ' && *line != '\t')
		goto error;
	line += strspn(line, " \t");
	if (*line == '\0')
		goto error;
	if (*line != '/')
		line = t_strconcat(dir, line, NULL);
	return corpus_add(corpus, line, spam, strip, raw, stripped, error_r);
error:
	*error_r = "expected \"spam PATH\" or \"ham PATH\"";
	return -1;
}

static int
corpus_read_lines(struct corpus *corpus, const char *index_path, bool strip,
		  struct istream *input, const char **error_r)
{
	const char *line, *p = strrchr(index_path, '/');
	const char *dir = p == NULL ? "" : t_strdup_until(index_path, p + 1);
	buffer_t *raw = buffer_create_dynamic(default_pool, 256*1024);
	buffer_t *stripped = buffer_create_dynamic(default_pool, 256*1024);
	unsigned int linenum = 0;
	char *error = NULL;
	int ret = 0;

	while (ret == 0 && (line = i_stream_read_next_line(input)) != NULL) {
		linenum++;
		if (*line == '\0')
			continue;
		T_BEGIN {
			ret = corpus_add_line(corpus, dir, line, strip, raw,
					      stripped, error_r);
			if (ret < 0)
				error = i_strdup(*error_r);
		} T_END;
	}
	buffer_free(&raw);
	buffer_free(&stripped);
	if (ret < 0) {
		*error_r = t_strdup_printf("%s line %u: %s", index_path,
					   linenum, error);
		i_free(error);
		return -1;
	}
	if (input->stream_errno != 0) {
		*error_r = t_strdup_printf("%s: %s", index_path,
					   i_stream_get_error(input));
		return -1;
	}
	return 0;
}

int corpus_read(const char *index_path, bool strip, struct corpus *corpus_r,
		const char **error_r)
{
	struct istream *input;
	int ret;

	i_zero(corpus_r);
	corpus_r->pool = pool_alloconly_create("corpus", 1024*1024);
	i_array_init(&corpus_r->mails, 1024);
	input = i_stream_create_file(index_path, 64*1024);
	ret = corpus_read_lines(corpus_r, index_path, strip, input, error_r);
	i_stream_unref(&input);
	if (ret == 0 && array_count(&corpus_r->mails) == 0) {
		*error_r = t_strdup_printf("%s: no messages", index_path);
		ret = -1;
	} else if (ret == 0 && (corpus_r->spam_count == 0 ||
				corpus_r->ham_count == 0)) {
		*error_r = t_strdup_printf(
			"%s: only %s: needs spam and ham", index_path,
			corpus_r->spam_count == 0 ? "ham" : "spam");
		ret = -1;
	}
	if (ret < 0)
		corpus_free(corpus_r);
	return ret;
}

void corpus_free(struct corpus *corpus)
{
	array_free(&corpus->mails);
	pool_unref(&corpus->pool);
}
