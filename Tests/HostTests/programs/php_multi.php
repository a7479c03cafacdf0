<?php // php_multi.php URL: three requests at once by PHP's curl_multi, and one by curl_exec of a copied handle.
$multi = curl_multi_init();
$handles = [];
foreach (['/1', '/status/404', '/slow'] as $path) {
    $handle = curl_init($argv[1] . $path);
    curl_setopt_array($handle, [CURLOPT_RETURNTRANSFER => true, CURLOPT_HTTPHEADER => ["X-Path: $path"]]);
    curl_multi_add_handle($multi, $handle);
    $handles[$path] = $handle;
}
do {
    curl_multi_exec($multi, $running);
    if ($running) curl_multi_select($multi);
} while ($running);
foreach ($handles as $path => $handle) {
    echo $path, ' ', curl_getinfo($handle, CURLINFO_RESPONSE_CODE), ' ', curl_multi_getcontent($handle);
    curl_multi_remove_handle($multi, $handle);
}
curl_multi_close($multi);
$copy = curl_copy_handle($handles['/1']);
echo curl_exec($copy);
