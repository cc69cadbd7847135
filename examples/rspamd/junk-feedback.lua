--[[ The score of junk-feedback in rspamd, as a symbol JUNK_FEEDBACK.

Asks the shared memory of this host's Dovecot itself (libjunkscore): no request,
no milter of ours. Load it from /etc/rspamd/rspamd.local.lua:

	dofile('/usr/share/dovecot-junk-feedback/examples/rspamd/junk-feedback.lua')

The defaults can be changed in /etc/rspamd/rspamd.conf.local:

	junk_feedback {
		scores = "/run/dovecot/junk-feedback.scores";
		library = "/usr/lib/dovecot/libjunkscore.so";
		# Points of a message that is surely spam (score 100).
		weight = 5.0;
		# Whose Authentication-Results are evidence: as the setting
		# junk_feedback_authserv_id. rspamd's own aren't there yet.
		authserv_id = "";
	}
]]
local ffi = require 'ffi'
local rspamd_logger = require 'rspamd_logger'

-- junk-score.h
ffi.cdef [[
struct junk_scores *junk_scores_open(const char *path);
void junk_scores_set_authserv_id(struct junk_scores *scores, const char *id);
int junk_scores_message(struct junk_scores *scores, const void *data,
	size_t size, const unsigned char *reporter);
const char *junk_scores_reason(struct junk_scores *scores);
]]

local opts = rspamd_config:get_all_opt('junk_feedback') or {}
local path = opts.scores or '/run/dovecot/junk-feedback.scores'
local found, lib = pcall(ffi.load,
	opts.library or '/usr/lib/dovecot/libjunkscore.so')
if not found then
	rspamd_logger.errx(rspamd_config, 'junk-feedback: no scores: %s', lib)
	return
end

-- Each worker has its own, from its first message on.
local scores

-- Spam counts up to the whole weight. Good mail a fifth of that: one wrong score
-- must not outweigh what other rules have found.
local function strength(score)
	local s = (score - 50) / 50
	return s < 0 and s / 5 or s
end

local function check(task)
	if scores == nil then
		scores = lib.junk_scores_open(path)
		lib.junk_scores_set_authserv_id(scores, opts.authserv_id or '')
	end
	local text = tostring(task:get_content())
	local score = lib.junk_scores_message(scores, text, #text, nil)
	-- JUNK_SCORES_UNKNOWN is no number
	if score >= 0 then
		task:insert_result('JUNK_FEEDBACK', strength(score),
			tostring(score),
			ffi.string(lib.junk_scores_reason(scores)))
	end
end

rspamd_config:register_symbol({
	name = 'JUNK_FEEDBACK',
	type = 'normal',
	score = tonumber(opts.weight) or 5.0,
	group = 'junk_feedback',
	description = 'What users of this host have reported as junk',
	callback = check,
})
