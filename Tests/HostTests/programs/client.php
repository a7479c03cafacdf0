<?php // client.php URL: one GET by PHP's curl extension.
$handle = curl_init($argv[1]);
curl_setopt($handle, CURLOPT_RETURNTRANSFER, true);
echo curl_exec($handle), curl_getinfo($handle, CURLINFO_RESPONSE_CODE), "\n";
