package interop

// http2Servers speak HTTP/2 over TLS, and in cleartext by prior knowledge. Paths
// are as in http1Servers.
var http2Servers = []server{
	{
		// With a master process, so that there is something to reload: a
		// reload is a new worker and a graceful end of the old one.
		name: "nginx", bin: "nginx", args: []string{"-p", "{{.Dir}}", "-c", "{{.Config}}", "-e", "stderr"}, own: true,
		reload: []string{"-p", "{{.Dir}}", "-c", "{{.Config}}", "-e", "stderr", "-s", "reload"},
		config: `
daemon off;
worker_processes 1;
{{if .IsRoot}}user www-data;{{end}}
pid {{.Dir}}/pid;
error_log stderr error;
events { worker_connections 1024; }
http {
  access_log off;
  client_body_temp_path {{.Dir}}/body;
  proxy_temp_path {{.Dir}}/proxy;
  fastcgi_temp_path {{.Dir}}/fastcgi;
  uwsgi_temp_path {{.Dir}}/uwsgi;
  scgi_temp_path {{.Dir}}/scgi;
  sendfile on;
  add_header X-Worker $pid;
  keepalive_requests 1000000;
  client_max_body_size 0;
  server {
    listen 127.0.0.1:{{.Port}} http2;
    listen 127.0.0.1:{{.TLSPort}} ssl http2;
    ssl_certificate {{.Cert}};
    ssl_certificate_key {{.Cert}};
    root {{.Root}};
    location /static/ {}
    location = /static/trailer {
      alias {{.Root}}/static/hello.txt;
      add_trailer X-Trailer "at the end";
    }
    location /small {
      client_max_body_size 1k;
      proxy_pass http://{{.Backend}}/echo;
    }
    location / {
      proxy_http_version 1.1;
      proxy_request_buffering off;
      proxy_pass http://{{.Backend}};
    }
  }
}
`,
		trailers: "/static/trailer",
	},
	{
		// Padding, because few others send any.
		name: "nghttpd", bin: "nghttpd", own: true, fileOnly: true, schemes: []string{"https"}, trailers: "/static/hello.txt",
		args: []string{"-a", "127.0.0.1", "-d", "{{.Root}}", "--echo-upload", "--padding=100", "--trailer=x-trailer: at the end", "{{.TLSPort}}", "{{.Cert}}", "{{.Cert}}"},
	},
	{
		name: "nghttpd", bin: "nghttpd", own: true, fileOnly: true, schemes: []string{"http"}, trailers: "/static/hello.txt",
		args: []string{"-a", "127.0.0.1", "-d", "{{.Root}}", "--echo-upload", "--padding=100", "--trailer=x-trailer: at the end", "--no-tls", "{{.Port}}"},
	},
	{
		// Debian's h2o 2.2 passes no trailers on.
		name: "h2o", bin: "h2o", args: []string{"-m", "worker", "-c", "{{.Config}}"}, own: true,
		config: `
listen:
  host: 127.0.0.1
  port: {{.Port}}
listen:
  host: 127.0.0.1
  port: {{.TLSPort}}
  ssl:
    certificate-file: {{.Cert}}
    key-file: {{.Cert}}
num-threads: 1
{{if .IsRoot}}user: www-data{{end}}
error-log: /dev/stderr
hosts:
  default:
    paths:
      /static:
        file.dir: {{.Root}}/static
      /small:
        mruby.handler: |
          Proc.new do |env|
            [413, {"content-type" => "text/plain"}, ["too large"]]
          end
      /:
        proxy.reverse.url: http://{{.Backend}}/
        proxy.preserve-host: ON
`,
	},
	{
		name: "caddy", bin: "caddy", args: []string{"run", "--config", "{{.Config}}", "--adapter", "caddyfile"}, own: true,
		config: `
{
  admin off
  auto_https off
  storage file_system {{.Dir}}
  log {
    level ERROR
  }
  servers {
    protocols h1 h2 h2c
  }
}
(site) {
  handle /static/* {
    root * {{.Root}}
    file_server
  }
  handle /small {
    respond "too large" 413
  }
  handle {
    reverse_proxy {{.Backend}}
  }
}
http://127.0.0.1:{{.Port}} {
  bind 127.0.0.1
  import site
}
https://localhost:{{.TLSPort}} {
  bind 127.0.0.1
  tls {{.Cert}} {{.Cert}}
  import site
}
`,
		trailers: "/trailers",
	},
	{
		name: "apache2", bin: "apache2", args: []string{"-X", "-f", "{{.Config}}"}, own: true,
		config: `
ServerRoot {{.Dir}}
PidFile {{.Dir}}/pid
ServerName localhost
ErrorLog /dev/stderr
LogLevel error
{{if .IsRoot}}User www-data
Group www-data{{end}}
{{range $name, $file := modules}}LoadModule {{$name}}_module {{$file}}
{{end}}
Listen 127.0.0.1:{{.Port}}
Listen 127.0.0.1:{{.TLSPort}}
Protocols h2 h2c http/1.1
KeepAlive On
TypesConfig /dev/null
MaxKeepAliveRequests 0
DocumentRoot {{.Root}}
<Directory {{.Root}}>
  Require all granted
</Directory>
ProxyPass /static !
ProxyPass /small !
ProxyPass / http://{{.Backend}}/
<Location /small>
  RewriteEngine on
  RewriteRule ^ - [R=413,L]
</Location>
<VirtualHost 127.0.0.1:{{.TLSPort}}>
  SSLEngine on
  SSLCertificateFile {{.Cert}}
</VirtualHost>
<IfModule mod_ssl.c>
  SSLSessionCache none
  Mutex pthread
</IfModule>
`,
		trailers: "/trailers",
	},
	{
		name: "haproxy", bin: "haproxy", args: []string{"-db", "-q", "-f", "{{.Config}}"},
		config: `
global
  maxconn 2000
defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
frontend site
  bind 127.0.0.1:{{.Port}} proto h2
  bind 127.0.0.1:{{.TLSPort}} ssl crt {{.Cert}} alpn h2,http/1.1
  http-request return status 413 content-type text/plain string "too large" if { path /small }
  default_backend test
backend test
  server test {{.Backend}}
`,
		trailers: "/trailers",
	},
	{
		name: "node", bin: "node", args: []string{"{{.Config}}"}, own: true, trailers: "/trailers",
		config: `
const http2 = require('http2'), fs = require('fs'), crypto = require('crypto');
const pem = fs.readFileSync({{printf "%q" .Cert}});
const root = {{printf "%q" .Root}};
function onStream(stream, headers) {
  stream.on('error', () => {});
  const path = headers[':path'];
  if (path.startsWith('/static/')) {
    // Not respondWithFile, at which node 20 may die when streams are cancelled.
    stream.respond({':status': 200, 'content-length': fs.statSync(root + path).size}, {endStream: headers[':method'] === 'HEAD'});
    if (headers[':method'] !== 'HEAD') require('stream').pipeline(fs.createReadStream(root + path), stream, () => {});
    return;
  }
  switch (path) {
  case '/echo': {
    const hash = crypto.createHash('sha256');
    let n = 0;
    stream.on('data', b => { n += b.length; hash.update(b); });
    stream.on('end', () => {
      stream.respond({':status': 200, 'x-method': headers[':method']});
      stream.end(n + ' ' + hash.digest('hex').slice(0, 16));
    });
    return;
  }
  case '/trailers':
    stream.respond({':status': 200}, {waitForTrailers: true});
    stream.on('wantTrailers', () => stream.sendTrailers({'x-trailer': 'at the end'}));
    stream.end('hello from a file\n');
    return;
  case '/small':
    stream.respond({':status': 413});
    stream.end('too large');
    return;
  case '/status/204':
    stream.respond({':status': 204}, {endStream: true});
    return;
  }
  stream.respond({':status': 404});
  stream.end();
}
const plain = http2.createServer(), secure = http2.createSecureServer({key: pem, cert: pem});
for (const [s, port] of [[plain, {{.Port}}], [secure, {{.TLSPort}}]]) {
  s.on('stream', onStream);
  s.on('sessionError', () => {});
  s.listen(port, '127.0.0.1');
}
`,
	},
}
