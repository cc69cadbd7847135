<?php
// One-time passwords (TOTP, RFC 6238) as second factor of the webmail login.
// Debian has no such plugin. /etc/roundcube/totp has a line for each user:
// "anna@example.org BASE32". Users without a line can't log in.
//
// A code is valid once. A file with a lock keeps each user's last time step, and
// a code of this or an earlier step is refused.

class totp extends rcube_plugin
{
	const STEP_SECS = 30;
	const SECRETS = '/etc/roundcube/totp';
	const STATE = '/var/lib/roundcube/totp/';

	public $task = 'login';

	public function init()
	{
		$this->add_hook('loginform_content', [$this, 'form']);
		$this->add_hook('authenticate', [$this, 'authenticate']);
	}

	public function form($args)
	{
		$this->add_texts('localization');
		$input = new html_inputfield(['name' => '_code',
			'id' => 'rcmlogincode', 'required' => true, 'size' => 6,
			'maxlength' => 6, 'inputmode' => 'numeric',
			'autocomplete' => 'one-time-code', 'class' => 'form-control']);
		$args['inputs']['code'] = ['title' => html::label('rcmlogincode',
			rcube::Q($this->gettext('code'))), 'content' => $input->show()];
		return $args;
	}

	public function authenticate($args)
	{
		$code = rcube_utils::get_input_string('_code', rcube_utils::INPUT_POST);
		if (!$args['valid'] || $this->use_code($this->address($args['user']), $code))
			return $args;
		// Roundcube shows the same error as for a wrong password. fail2ban
		// reads this log line.
		$args['abort'] = true;
		$args['error'] = rcmail::ERROR_INVALID_REQUEST;
		rcube::write_log('errors', sprintf('IMAP Error: Login failed for %s against totp from %s. wrong code',
			preg_replace('/[^\w.@+-]/', '?', $args['user']), rcube_utils::remote_addr()));
		return $args;
	}

	private function address($user)
	{
		$user = strtolower($user);
		return strpos($user, '@') !== false ? $user :
			$user . '@' . rcmail::get_instance()->config->get('username_domain');
	}

	// Tell whether the code is correct and was not used before. Codes of the
	// previous and the next step are accepted, too, since clocks differ.
	private function use_code($user, $code)
	{
		$secret = $this->secret($user);
		if ($secret === null || !preg_match('/^\d{6}$/D', $code))
			return false;
		$state = fopen(self::STATE . hash('sha256', $user), 'c+');
		if (!$state || !flock($state, LOCK_EX))
			return false;
		$last = (int)stream_get_contents($state);
		$now = intdiv(time(), self::STEP_SECS);
		for ($step = $now - 1; $step <= $now + 1; $step++) {
			if ($step > $last && hash_equals(self::code($secret, $step), $code)) {
				rewind($state);
				return fwrite($state, (string)$step) !== false &&
					fflush($state);
			}
		}
		return false;
	}

	private function secret($user)
	{
		foreach (file(self::SECRETS, FILE_IGNORE_NEW_LINES) ?: [] as $line) {
			list($name, $base32) = explode(' ', $line . ' ');
			if (strtolower($name) === $user && strlen($base32) >= 16)
				return self::decode($base32);
		}
		return null;
	}

	private static function decode($base32)
	{
		$bits = '';
		foreach (str_split(strtoupper(rtrim($base32, '='))) as $c)
			$bits .= sprintf('%05b', strpos('ABCDEFGHIJKLMNOPQRSTUVWXYZ234567', $c));
		$bytes = '';
		foreach (str_split($bits, 8) as $byte)
			$bytes .= strlen($byte) == 8 ? chr(bindec($byte)) : '';
		return $bytes;
	}

	// dynamic truncation (RFC 4226, section 5.3)
	private static function code($secret, $step)
	{
		$hash = hash_hmac('sha1', pack('J', $step), $secret, true);
		$number = unpack('N', $hash, ord($hash[19]) & 15)[1] & 0x7fffffff;
		return sprintf('%06d', $number % 1000000);
	}
}
