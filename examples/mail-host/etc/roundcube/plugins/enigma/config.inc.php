<?php
$config['enigma_pgp_homedir'] = '/var/lib/roundcube/enigma';
// the key's passphrase is kept for this number of minutes
$config['enigma_password_time'] = 5;
