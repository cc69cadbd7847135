--[[ The score that junk-feedback-milter has stamped, as a symbol
JUNK_FEEDBACK_HEADER: for an rspamd on another host than Dovecot, behind a
Postfix whose smtpd_milters name junk-feedback-milter before rspamd. Load it from
/etc/rspamd/rspamd.local.lua:

	dofile('/usr/share/dovecot-junk-feedback/examples/rspamd/junk-feedback-header.lua')

Only a high score counts: the milter leaves fields alone in mail of this host's
own senders, so "X-Junk-Score: 0" may be a sender's.
]]
config['regexp']['JUNK_FEEDBACK_HEADER'] = {
	re = 'X-Junk-Score=/^(?:9[0-9]|100)$/H',
	score = 5.0,
	group = 'junk_feedback',
	description = 'junk-feedback-milter has scored it 90 or more',
}
