#include "lib.h"
#include "array.h"
#include "wildcard-match.h"
#include "mail-storage-private.h"
#include "mailbox-attribute-internal.h"
#include "junk-mailbox.h"

const char *const *junk_mailbox_names_split(pool_t pool, const char *value)
{
	ARRAY_TYPE(const_string) names;
	const char *name;

	p_array_init(&names, pool, 8);
	T_BEGIN {
		const char *const *parts = t_strsplit(value, ",");

		for (; *parts != NULL; parts++) {
			name = t_str_trim(*parts, " \t");
			if (*name == '\0')
				continue;
			name = p_strdup(pool, name);
			array_push_back(&names, &name);
		}
	} T_END;
	array_append_zero(&names);
	return array_front(&names);
}

bool junk_mailbox_kind_by_special_use(const char *special_use,
				      enum junk_box *kind_r)
{
	static const struct {
		const char *flag;
		enum junk_box kind;
	} kinds[] = {
		{ "\\Junk", JUNK_BOX_JUNK },
		{ "\\Trash", JUNK_BOX_TRASH },
		{ "\\Drafts", JUNK_BOX_IGNORE },
		{ "\\Sent", JUNK_BOX_IGNORE },
		{ "\\Archive", JUNK_BOX_OTHER },
		{ "\\All", JUNK_BOX_OTHER },
		{ "\\Flagged", JUNK_BOX_OTHER },
		{ "\\Important", JUNK_BOX_OTHER },
	};
	const char *const *flags = t_strsplit_spaces(special_use, " ");

	for (; *flags != NULL; flags++) {
		for (unsigned int i = 0; i < N_ELEMENTS(kinds); i++) {
			if (strcasecmp(*flags, kinds[i].flag) == 0) {
				*kind_r = kinds[i].kind;
				return TRUE;
			}
		}
	}
	return FALSE;
}

static bool names_match(const char *const *masks, const char *name)
{
	for (; *masks != NULL; masks++) {
		if (wildcard_match_icase(name, *masks))
			return TRUE;
	}
	return FALSE;
}

static bool
junk_mailbox_kind_of_name(const struct junk_mailbox_names *names,
			  const char *name, enum junk_box *kind_r)
{
	const struct {
		const char *const *masks;
		enum junk_box kind;
	} kinds[] = {
		{ names->ignore, JUNK_BOX_IGNORE },
		{ names->unsure, JUNK_BOX_UNSURE },
		{ names->junk, JUNK_BOX_JUNK },
		{ names->trash, JUNK_BOX_TRASH },
	};

	for (unsigned int i = 0; i < N_ELEMENTS(kinds); i++) {
		if (names_match(kinds[i].masks, name)) {
			*kind_r = kinds[i].kind;
			return TRUE;
		}
	}
	return FALSE;
}

static bool
junk_mailbox_is_lazy_expunge(const char *lazy_expunge, const char *vname,
			     char sep)
{
	size_t len;

	if (lazy_expunge == NULL || *lazy_expunge == '\0')
		return FALSE;
	len = strlen(lazy_expunge);
	if (strncmp(vname, lazy_expunge, len) != 0)
		return FALSE;
	return vname[len] == '\0' || vname[len] == sep ||
		lazy_expunge[len - 1] == sep;
}

bool junk_mailbox_kind_by_name(const struct junk_mailbox_names *names,
			       const char *vname, const char *prefix, char sep,
			       enum junk_box *kind_r)
{
	const char *name = vname;
	size_t prefix_len = strlen(prefix);

	if (junk_mailbox_is_lazy_expunge(names->lazy_expunge, vname, sep)) {
		*kind_r = JUNK_BOX_TRASH;
		return TRUE;
	}
	if (junk_mailbox_kind_of_name(names, vname, kind_r))
		return TRUE;
	if (prefix_len > 0 && strncmp(vname, prefix, prefix_len) == 0) {
		name += prefix_len;
		if (junk_mailbox_kind_of_name(names, name, kind_r))
			return TRUE;
	}
	if (strcasecmp(name, "INBOX") == 0) {
		*kind_r = JUNK_BOX_INBOX;
		return TRUE;
	}
	return strncasecmp(name, "INBOX", 5) == 0 && name[5] == sep &&
		junk_mailbox_kind_of_name(names, name + 6, kind_r);
}

static bool
junk_mailbox_kind_single(const struct junk_mailbox_names *names,
			 struct mailbox *box, enum junk_box *kind_r)
{
	struct mail_namespace *ns = mailbox_get_namespace(box);
	struct mail_attribute_value value;
	bool found = FALSE;

	T_BEGIN {
		if (mailbox_attribute_get(box, MAIL_ATTRIBUTE_TYPE_PRIVATE,
					  MAILBOX_ATTRIBUTE_SPECIALUSE,
					  &value) > 0 && value.value != NULL)
			found = junk_mailbox_kind_by_special_use(value.value,
								 kind_r);
		if (!found) {
			found = junk_mailbox_kind_by_name(names,
				mailbox_get_vname(box), ns->prefix,
				mail_namespace_get_sep(ns), kind_r);
		}
	} T_END;
	if (!found && box->inbox_any) {
		*kind_r = JUNK_BOX_INBOX;
		found = TRUE;
	}
	return found;
}

/* Children of INBOX are folders like others. */
static bool
junk_mailbox_kind_of_parent(const struct junk_mailbox_names *names,
			    struct mailbox *box, enum junk_box *kind_r)
{
	struct mail_namespace *ns = mailbox_get_namespace(box);
	char sep = mail_namespace_get_sep(ns);
	const char *p, *vname = mailbox_get_vname(box);
	struct mailbox *parent;
	bool found = FALSE;

	while (!found && (p = strrchr(vname, sep)) != NULL) {
		vname = t_strdup_until(vname, p);
		if (strlen(vname) < ns->prefix_len)
			break;
		parent = mailbox_alloc(ns->list, vname, MAILBOX_FLAG_READONLY);
		found = junk_mailbox_kind_single(names, parent, kind_r);
		mailbox_free(&parent);
	}
	return found && *kind_r != JUNK_BOX_INBOX;
}

enum junk_box junk_mailbox_kind(const struct junk_mailbox_names *names,
				struct mailbox *box)
{
	enum junk_box kind;
	bool found;

	if (junk_mailbox_kind_single(names, box, &kind))
		return kind;
	T_BEGIN {
		found = junk_mailbox_kind_of_parent(names, box, &kind);
	} T_END;
	return found ? kind : JUNK_BOX_OTHER;
}

bool junk_mailbox_is_virtual(struct mailbox *box)
{
	return strcmp(box->storage->name, "virtual") == 0;
}
