-- Decide by rspamd's results whether mail is refused. /etc/postfix/replies has the
-- complete texts of the replies.
require "global_functions"()

-- Return whether there are recipients postmaster@ or abuse@, and whether there are
-- others.
local function recipients(task)
	local role, other = false, false
	for _, recipient in ipairs(task:get_recipients('smtp') or {}) do
		local name = recipient.user:lower():gsub('%+.*', '')
		if name == 'postmaster' or name == 'abuse' then
			role = true
		else
			other = true
		end
	end
	return role, other
end

local function has_attachment(task)
	for _, part in ipairs(task:get_parts()) do
		if part:is_attachment() or part:get_filename() then
			return true
		end
	end
	return false
end

-- Mail that fails DMARC is accepted from a trusted list for which DMARC passed. The
-- ARC module then sets the option.
local function refused_by_policy(task)
	local found = task:get_symbol('DMARC_POLICY_REJECT')
	if not found then
		return false
	end
	for _, option in ipairs(found[1].options or {}) do
		if option == 'ARC trusted' then
			return false
		end
	end
	return true
end

-- amavis checks only names and types of files, but a browser runs scripts in an
-- HTML attachment.
local function html_with_script(task)
	for _, part in ipairs(task:get_parts()) do
		local name = (part:get_filename() or ''):lower()
		local _, subtype = part:get_type()
		local page = name:match('%.x?html?$') or name:match('%.svg$') or
			part:get_detected_ext() == 'html'
		if page or (part:is_attachment() and subtype and
		    subtype:lower():match('html$')) then
			local text = tostring(part:get_content()):lower()
			if (name ~= '' or part:is_attachment()) and
			    (text:find('<script', 1, true) or
			     text:find('javascript:', 1, true) or
			     text:find('[%s"\'/]on%a+%s*=')) then
				return true
			end
		end
	end
	return false
end

rspamd_config:register_symbol {
	name = 'MAIL_HOST',
	type = 'postfilter',
	callback = function(task)
		local user = task:get_user()
		local from = task:get_from('mime')
		local role, other = recipients(task)
		if role and other and has_attachment(task) then
			-- amavis can't accept the attachment for the role address
			-- and refuse it for others
			task:set_pre_result('reject',
				'attachments to a role address and others')
		elseif other and html_with_script(task) then
			task:set_pre_result('reject', 'HTML with a script')
		elseif user then
			-- Postfix checks the envelope's sender
			if not from or #from ~= 1 or
			    from[1].addr:lower() ~= user:lower() then
				task:set_pre_result('reject',
					'not your address in From')
			end
		elseif not other then
			return
		elseif refused_by_policy(task) then
			task:set_pre_result('reject', 'DMARC policy')
		elseif task:has_symbol('DMARC_DNSFAIL') or
		    task:has_symbol('R_SPF_DNSFAIL') or
		    task:has_symbol('R_DKIM_TEMPFAIL') then
			task:set_pre_result('soft reject',
				'can\'t ask the DNS about the sender')
		end
	end,
}
