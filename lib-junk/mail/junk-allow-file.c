#include "lib.h"
#include "junk-limits.h"
#include "junk-sender.h"
#include "junk-allow-file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static int
allow_file_read_fd(int fd, const char *path, char **data_r,
		   const char **error_r)
{
	struct stat st;
	ssize_t ret;

	if (fstat(fd, &st) < 0) {
		*error_r = t_strdup_printf("fstat(%s) failed: %m", path);
		return -1;
	}
	if (!S_ISREG(st.st_mode)) {
		*error_r = t_strdup_printf("%s isn't a regular file", path);
		return -1;
	}
	if (st.st_size > JUNK_MAX_ALLOW_FILE_BYTES) {
		*error_r = t_strdup_printf("%s has more than %d bytes", path,
					   JUNK_MAX_ALLOW_FILE_BYTES);
		return -1;
	}
	*data_r = t_malloc0((size_t)st.st_size + 1);
	ret = read(fd, *data_r, (size_t)st.st_size);
	if (ret < 0)
		*error_r = t_strdup_printf("read(%s) failed: %m", path);
	return ret < 0 ? -1 : 0;
}

static int
allow_file_read(const char *path, char **data_r, const char **error_r)
{
	int fd, ret;

	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd == -1) {
		*error_r = t_strdup_printf("open(%s) failed: %m", path);
		return -1;
	}
	ret = allow_file_read_fd(fd, path, data_r, error_r);
	i_close_fd(&fd);
	return ret;
}

/* Returns the next line without its comment and blanks around it, which is
   modified in place. NULL = there is none. */
static char *allow_file_line(char **data)
{
	char *line = *data, *end;

	if (*line == '\0')
		return NULL;
	end = line + strcspn(line, "\n");
	*data = *end == '\n' ? end + 1 : end;
	*end = '\0';
	line[strcspn(line, "#")] = '\0';
	line += strspn(line, " \t\r");
	end = line + strlen(line);
	while (end > line && strchr(" \t\r", end[-1]) != NULL)
		end--;
	*end = '\0';
	return line;
}

int junk_allow_file_find(const char *path, const char *address,
			 const char **error_r)
{
	const char *domain = strchr(address, '@');
	const char *line;
	char *data;

	if (allow_file_read(path, &data, error_r) < 0)
		return -1;
	while ((line = allow_file_line(&data)) != NULL) {
		if (strcasecmp(line, address) == 0 ||
		    (domain != NULL && strcasecmp(line, domain) == 0))
			return 1;
	}
	return 0;
}

int junk_allow_file_check(const char *path, unsigned int *count_r,
			  const char **error_r)
{
	const char *address, *line;
	unsigned int number = 0;
	char *data;

	*count_r = 0;
	if (allow_file_read(path, &data, error_r) < 0)
		return -1;
	while ((line = allow_file_line(&data)) != NULL) {
		bool valid;

		number++;
		if (*line == '\0')
			continue;
		T_BEGIN {
			valid = junk_address_normalize(line, &address);
		} T_END;
		if (!valid) {
			*error_r = t_strdup_printf("%s line %u is neither "
				"an address nor a domain: @example.com",
				path, number);
			return -1;
		}
		(*count_r)++;
	}
	return 0;
}
