#include "lib.h"
#include "write-full.h"
#include "junk-counts.h"
#include "junk-model.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
#include <sys/stat.h>

#define DAY_SECS (24*60*60)
/* A page that can't be opened is tried again after so many seconds. */
#define RETRY_SECS 10

struct junk_counts_header {
	char magic[8];
	uint32_t byte_order;
	uint32_t version;
	uint64_t created;
	unsigned char zero[40];
};

struct junk_counts_cell {
	uint32_t last, messages, unknown, above;
};

struct junk_counts_page {
	struct junk_counts_header header;
	struct junk_counts_cell cells[JUNK_COUNTS_SLOTS]
		[JUNK_COUNTS_PROGRAM_COUNT][JUNK_COUNTS_DAYS];
};

struct junk_counts {
	char *path;
	/* of this process */
	unsigned int slot;
	int fd;
	/* when the page was last looked for, successfully or not */
	time_t tried;
};

static const char *const program_names[JUNK_COUNTS_PROGRAM_COUNT] = {
	[JUNK_COUNTS_LMTP] = "lmtp",
	[JUNK_COUNTS_LDA] = "lda",
	[JUNK_COUNTS_IMAP] = "imap",
	[JUNK_COUNTS_MILTER] = "milter",
};

const char *junk_counts_program_name(enum junk_counts_program program)
{
	i_assert(program < JUNK_COUNTS_PROGRAM_COUNT);
	return program_names[program];
}

static bool header_is_valid(const struct junk_counts_header *header)
{
	return memcmp(header->magic, JUNK_COUNTS_MAGIC,
		      sizeof(header->magic)) == 0 &&
		header->byte_order == JUNK_COUNTS_BYTE_ORDER &&
		header->version == JUNK_COUNTS_VERSION;
}

/* O_NONBLOCK: a FIFO of that name must not block a delivery. */
static int page_open(const char *path, int flags)
{
	struct junk_counts_header header;
	struct stat st;
	int fd = open(path, flags | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);

	if (fd == -1)
		return -1;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    st.st_size >= JUNK_COUNTS_FILE_BYTES &&
	    pread(fd, &header, sizeof(header), 0) ==
	    (ssize_t)sizeof(header) && header_is_valid(&header))
		return fd;
	i_close_fd(&fd);
	errno = EINVAL;
	return -1;
}

/* --- scoring processes --- */

struct junk_counts *junk_counts_open(const char *path)
{
	struct junk_counts *counts = i_new(struct junk_counts, 1);

	counts->path = i_strdup(path);
	counts->slot = (unsigned int)getpid() % JUNK_COUNTS_SLOTS;
	counts->fd = -1;
	return counts;
}

void junk_counts_close(struct junk_counts **_counts)
{
	struct junk_counts *counts = *_counts;

	if (counts == NULL)
		return;
	*_counts = NULL;
	i_close_fd(&counts->fd);
	i_free(counts->path);
	i_free(counts);
}

/* Reopen the page if it was replaced, as after a restart of Dovecot. This is
   checked once a second: system calls are slow compared with a score. */
static bool junk_counts_reopen(struct junk_counts *counts, time_t now)
{
	struct stat st;

	if (counts->fd != -1) {
		if (now == counts->tried)
			return TRUE;
		counts->tried = now;
		if (fstat(counts->fd, &st) == 0 && st.st_nlink > 0)
			return TRUE;
		i_close_fd(&counts->fd);
		counts->tried = 0;
	}
	if (now >= counts->tried && now - counts->tried < RETRY_SECS)
		return FALSE;
	counts->tried = now;
	counts->fd = page_open(counts->path, O_RDWR);
	return counts->fd != -1;
}

static off_t
cell_offset(unsigned int slot, enum junk_counts_program program, uint32_t day)
{
	return (off_t)(JUNK_COUNTS_HEADER_BYTES + JUNK_COUNTS_CELL_BYTES *
		((slot * JUNK_COUNTS_PROGRAM_COUNT + program) *
		 JUNK_COUNTS_DAYS + day % JUNK_COUNTS_DAYS));
}

static void add_one(uint32_t *number, bool add)
{
	if (add && *number < UINT32_MAX)
		(*number)++;
}

void junk_counts_add(struct junk_counts *counts,
		     enum junk_counts_program program, int score,
		     unsigned int threshold, time_t now)
{
	struct junk_counts_cell cell;
	const uint32_t day = (uint32_t)(now / DAY_SECS);
	const off_t offset = cell_offset(counts->slot, program, day);
	const int old_errno = errno;

	if (junk_counts_reopen(counts, now) &&
	    pread(counts->fd, &cell, sizeof(cell), offset) ==
	    (ssize_t)sizeof(cell)) {
		if (cell.last / DAY_SECS != day)
			i_zero(&cell);
		cell.last = (uint32_t)now;
		add_one(&cell.messages, TRUE);
		add_one(&cell.unknown, score == JUNK_SCORE_UNKNOWN);
		add_one(&cell.above, score != JUNK_SCORE_UNKNOWN &&
			threshold > 0 && score >= (int)threshold);
		(void)!pwrite(counts->fd, &cell, sizeof(cell), offset);
	}
	errno = old_errno;
}

/* --- readers --- */

static void
sum_cell(struct junk_counts_sum *sum, const struct junk_counts_cell *cell)
{
	sum->messages += cell->messages;
	/* a part can't be larger than the whole, even if the page was
	   manipulated */
	sum->unknown += I_MIN(cell->unknown, cell->messages);
	sum->above += I_MIN(cell->above, cell->messages);
	sum->last = I_MAX(sum->last, (time_t)cell->last);
}

static void
sum_page(const struct junk_counts_page *page, time_t now,
	 struct junk_counts_totals *totals)
{
	const uint32_t today = (uint32_t)(now / DAY_SECS);
	const struct junk_counts_cell *cell;
	uint32_t age;

	totals->created = (time_t)I_MIN(page->header.created, (uint64_t)now);
	for (unsigned int slot = 0; slot < JUNK_COUNTS_SLOTS; slot++)
	for (unsigned int p = 0; p < JUNK_COUNTS_PROGRAM_COUNT; p++)
	for (unsigned int i = 0; i < JUNK_COUNTS_DAYS; i++) {
		cell = &page->cells[slot][p][i];
		age = today - cell->last / DAY_SECS;
		/* skip cells of other days and of the future */
		if (age >= JUNK_COUNTS_DAYS ||
		    (cell->last / DAY_SECS) % JUNK_COUNTS_DAYS != i)
			continue;
		sum_cell(&totals->days[age], cell);
		sum_cell(&totals->programs[p], cell);
		sum_cell(&totals->all, cell);
	}
}

static int page_read(int fd, struct junk_counts_page *page)
{
	i_assert(sizeof(*page) == JUNK_COUNTS_FILE_BYTES);
	return pread(fd, page, sizeof(*page), 0) == (ssize_t)sizeof(*page) &&
		header_is_valid(&page->header) ? 0 : -1;
}

int junk_counts_read(const char *path, time_t now,
		     struct junk_counts_totals *totals_r, const char **error_r)
{
	struct junk_counts_page *page;
	int fd, ret;

	i_zero(totals_r);
	fd = page_open(path, O_RDONLY);
	if (fd == -1) {
		*error_r = errno == EINVAL ?
			t_strdup_printf("%s isn't a counter page", path) :
			t_strdup_printf("open(%s) failed: %m", path);
		return -1;
	}
	page = i_new(struct junk_counts_page, 1);
	ret = page_read(fd, page);
	if (ret == 0)
		sum_page(page, now, totals_r);
	else
		*error_r = t_strdup_printf("%s can't be read", path);
	i_free(page);
	i_close_fd(&fd);
	return ret;
}

/* --- the service --- */

int junk_counts_create(const char *path, const char **error_r)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK |
		      O_NOFOLLOW, 0600);

	if (fd == -1)
		*error_r = t_strdup_printf("open(%s) failed: %m", path);
	return fd;
}

static bool saved_read(const char *path, struct junk_counts_page *page)
{
	int fd = path == NULL ? -1 : page_open(path, O_RDONLY);
	bool ret = fd != -1 && page_read(fd, page) == 0;

	i_close_fd(&fd);
	return ret;
}

void junk_counts_trim(int fd)
{
	struct stat st;

	if (fstat(fd, &st) == 0 && st.st_size > JUNK_COUNTS_FILE_BYTES)
		(void)!ftruncate(fd, JUNK_COUNTS_FILE_BYTES);
}

int junk_counts_begin(int fd, const char *saved_path, time_t now,
		      const char **error_r)
{
	struct junk_counts_page *page = i_new(struct junk_counts_page, 1);
	int ret = 0;

	junk_counts_trim(fd);
	if (page_read(fd, page) < 0) {
		if (!saved_read(saved_path, page)) {
			i_zero(page);
			memcpy(page->header.magic, JUNK_COUNTS_MAGIC,
			       sizeof(page->header.magic));
			page->header.byte_order = JUNK_COUNTS_BYTE_ORDER;
			page->header.version = JUNK_COUNTS_VERSION;
			page->header.created = (uint64_t)now;
		}
		if (pwrite_full(fd, page, sizeof(*page), 0) < 0) {
			*error_r = t_strdup_printf(
				"The counter page can't be written: %m");
			ret = -1;
		}
	}
	i_free(page);
	return ret;
}

static int write_file(const char *path, const void *data, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC |
		      O_NOFOLLOW, 0600);
	int ret;

	if (fd == -1)
		return -1;
	ret = write_full(fd, data, size);
	return close(fd) < 0 ? -1 : ret;
}

int junk_counts_save(int fd, const char *saved_path, const char **error_r)
{
	struct junk_counts_page *page = i_new(struct junk_counts_page, 1);
	const char *new_path = t_strconcat(saved_path, ".new", NULL);
	int ret = page_read(fd, page);

	/* a manipulated page is not saved */
	if (ret == 0 && (write_file(new_path, page, sizeof(*page)) < 0 ||
			 rename(new_path, saved_path) < 0)) {
		*error_r = t_strdup_printf("write(%s) failed: %m", saved_path);
		i_unlink_if_exists(new_path);
		ret = -1;
	} else if (ret < 0) {
		*error_r = "The counter page is damaged";
	}
	i_free(page);
	return ret;
}
