<?php
// Webmail: Roundcube with one-time passwords (the plugin totp of
// examples/mail-host), PGP (enigma), and the buttons Junk and Not junk.
$config = [];
$config['db_dsnw'] = 'sqlite:////var/lib/roundcube/db/roundcube.sqlite?mode=0640';
// connect to this host with TLS and its name, which the certificate has
$config['imap_host'] = 'ssl://localhost:993';
$config['smtp_host'] = 'ssl://localhost:465';
$config['imap_conn_options'] = $config['smtp_conn_options'] = [
	'ssl' => ['verify_peer' => true, 'peer_name' => '@hostname@'],
];
$config['smtp_user'] = '%u';
$config['smtp_pass'] = '%p';
$config['username_domain'] = '@domain@';
$config['product_name'] = '@service@';
$config['support_url'] = '@page@';
$config['des_key'] = '@roundcube_key@';
$config['plugins'] = ['totp', 'enigma', 'markasjunk'];
$config['skin'] = 'elastic';
$config['log_driver'] = 'file';
$config['log_dir'] = '/var/log/roundcube/';
// after three wrong passwords, further logins are refused for a minute
$config['login_rate_limit'] = 3;
$config['session_samesite'] = 'Strict';
$config['enable_spellcheck'] = false;
$config['junk_mbox'] = 'Junk';
