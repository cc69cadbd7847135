#include "lib.h"
#include "array.h"
#include "wildcard-match.h"
#include "mail-storage-private.h"
#include "mailbox-attribute-internal.h"
#include "mailbox-list-iter.h"
#include "junk-folder-name.h"
#include "junk-mailbox.h"

#include <sys/stat.h>

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
			name = p_strdup(pool, junk_folder_name_fold(name));
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
		{ "\\Sent", JUNK_BOX_SENT },
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
		if (wildcard_match(name, *masks))
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
		{ names->sent, JUNK_BOX_SENT },
		{ names->ignore, JUNK_BOX_IGNORE },
		{ names->unsure, JUNK_BOX_UNSURE },
		{ names->junk, JUNK_BOX_JUNK },
		{ names->trash, JUNK_BOX_TRASH },
	};

	name = junk_folder_name_fold(name);
	for (unsigned int i = 0; i < N_ELEMENTS(kinds); i++) {
		if (names_match(kinds[i].masks, name)) {
			*kind_r = kinds[i].kind;
			return TRUE;
		}
	}
	if (names->usual_junk && junk_folder_name_is_usual(name)) {
		*kind_r = JUNK_BOX_JUNK;
		return TRUE;
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

/* Prefixes that clients put before names: INBOX as parent, Gmail's folders. */
static const char *junk_mailbox_skip_parent(const char *name, char sep)
{
	static const char *const parents[] = {
		"INBOX", "[Gmail]", "[Google Mail]"
	};
	size_t len;

	for (unsigned int i = 0; i < N_ELEMENTS(parents); i++) {
		len = strlen(parents[i]);
		if (strncasecmp(name, parents[i], len) == 0 &&
		    name[len] == sep)
			return name + len + 1;
	}
	return NULL;
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
	name = junk_mailbox_skip_parent(name, sep);
	return name != NULL && junk_mailbox_kind_of_name(names, name, kind_r);
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

/* Children of INBOX are ordinary folders. */
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

static bool
junk_mailbox_kind_or_parents(const struct junk_mailbox_names *names,
			     struct mailbox *box, enum junk_box *kind_r)
{
	bool found = junk_mailbox_kind_single(names, box, kind_r);

	if (!found) T_BEGIN {
		found = junk_mailbox_kind_of_parent(names, box, kind_r);
	} T_END;
	return found;
}

/* Find the same folder in the user's own namespace, where its special use is
   configured. Another namespace may be an alias of it or have another prefix.
   Folders of other users with the same name don't count. */
static bool
junk_mailbox_kind_by_inbox_ns(const struct junk_mailbox_names *names,
			      struct mail_user *user, struct mailbox *box,
			      enum junk_box *kind_r)
{
	struct mail_namespace *ns = mailbox_get_namespace(box);
	struct mail_namespace *inbox_ns =
		mail_namespace_find_inbox(user->namespaces);
	const char *name = mailbox_get_vname(box);
	const char sep[2] = { mail_namespace_get_sep(inbox_ns), '\0' };
	struct mailbox *own;
	bool found;

	if (ns == inbox_ns ||
	    strncmp(name, ns->prefix, ns->prefix_len) != 0)
		return FALSE;
	name = t_str_replace(name + ns->prefix_len,
			     mail_namespace_get_sep(ns), *sep);
	own = mailbox_alloc(inbox_ns->list,
			    t_strconcat(inbox_ns->prefix, name, NULL),
			    MAILBOX_FLAG_READONLY);
	found = junk_mailbox_kind_or_parents(names, own, kind_r);
	mailbox_free(&own);
	return found;
}

static bool junk_mailbox_is_symlink(struct mailbox *box)
{
	const char *path;
	struct stat st;

	return mailbox_get_path_to(box, MAILBOX_LIST_PATH_TYPE_MAILBOX,
				   &path) > 0 &&
		lstat(path, &st) == 0 && S_ISLNK(st.st_mode);
}

static bool
junk_mailbox_is_same(struct mail_namespace *ns, const char *vname,
		     const guid_128_t guid)
{
	struct mailbox_metadata metadata;
	struct mailbox *box;
	bool same;

	box = mailbox_alloc(ns->list, vname, MAILBOX_FLAG_READONLY);
	same = mailbox_get_metadata(box, MAILBOX_METADATA_GUID,
				    &metadata) == 0 &&
		guid_128_equals(metadata.guid, guid);
	mailbox_free(&box);
	return same;
}

/* A mailbox with another name (mailbox_alias makes a symbolic link) has the
   GUID of one whose special use is configured. */
static bool
junk_mailbox_kind_by_guid(struct mailbox *box, enum junk_box *kind_r)
{
	struct mail_namespace *ns = mailbox_get_namespace(box);
	struct mailbox_list_iterate_context *iter;
	const struct mailbox_info *info;
	struct mailbox_metadata metadata;
	enum junk_box kind;
	bool found = FALSE;

	if (!junk_mailbox_is_symlink(box) ||
	    mailbox_get_metadata(box, MAILBOX_METADATA_GUID, &metadata) < 0)
		return FALSE;
	iter = mailbox_list_iter_init(ns->list, "*",
				      MAILBOX_LIST_ITER_SELECT_SPECIALUSE |
				      MAILBOX_LIST_ITER_RETURN_SPECIALUSE);
	while (!found && (info = mailbox_list_iter_next(iter)) != NULL) {
		if (info->special_use == NULL ||
		    !junk_mailbox_kind_by_special_use(info->special_use,
						      &kind))
			continue;
		found = junk_mailbox_is_same(ns, info->vname, metadata.guid);
	}
	(void)mailbox_list_iter_deinit(&iter);
	if (found)
		*kind_r = kind;
	return found;
}

enum junk_box junk_mailbox_kind(const struct junk_mailbox_names *names,
				struct mail_user *user, struct mailbox *box)
{
	enum junk_box kind;
	bool found;

	if (junk_mailbox_kind_or_parents(names, box, &kind))
		return kind;
	T_BEGIN {
		found = junk_mailbox_kind_by_inbox_ns(names, user, box,
						      &kind) ||
			junk_mailbox_kind_by_guid(box, &kind);
		if (!found) {
			kind = junk_folder_name_looks_like_junk(
				junk_folder_name_fold(mailbox_get_vname(box))) ?
				JUNK_BOX_LIKE_JUNK : JUNK_BOX_OTHER;
		}
	} T_END;
	return kind;
}

bool junk_mailbox_is_virtual(struct mailbox *box)
{
	return strcmp(box->storage->name, "virtual") == 0;
}
