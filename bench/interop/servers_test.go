package interop

// server says how to start one server: its configuration and command line. The
// configuration is a text/template over site.
type server struct {
	name   string
	bin    string
	args   []string // templates too
	config string
	// host is where it is first looked for, "" for 127.0.0.1.
	host string
	// own reports that the server serves /static/ from disk itself.
	own bool
	// untilClose reports that it can send a body without framing it.
	untilClose bool
	// schemes are those that it serves; nil is both.
	schemes []string
	// fileOnly reports that it serves files only, and answers a POST with its
	// content.
	fileOnly bool
	// trailers is the path at which it sends a trailer section, "" for none.
	trailers string
	// reload are the arguments, templates too, that make it read its
	// configuration anew; it then names its process in X-Worker. nil if there
	// is no such thing.
	reload []string
	// files are further files in its folder, by name.
	files map[string]string
}

// site is what the templates know.
type site struct {
	Dir     string // the server's own folder: configuration, pid, temporary files
	Root    string // the folder that holds static/
	Config  string // path of the configuration
	Port    int    // cleartext
	TLSPort int
	Cert    string // path of a PEM file with chain and key
	Backend string // host:port
	IsRoot  bool   // the test runs as root
}

// Paths in every configuration: /static/ from disk, /small answers 413 to a large
// body without reading it, everything else goes to the backend.
var http1Servers = []server{
	{
		name: "nginx", bin: "nginx", args: []string{"-p", "{{.Dir}}", "-c", "{{.Config}}", "-e", "stderr"}, own: true, untilClose: true,
		config: `
daemon off;
master_process off;
pid {{.Dir}}/pid;
error_log stderr error;
events {}
http {
  access_log off;
  client_body_temp_path {{.Dir}}/body;
  proxy_temp_path {{.Dir}}/proxy;
  fastcgi_temp_path {{.Dir}}/fastcgi;
  uwsgi_temp_path {{.Dir}}/uwsgi;
  scgi_temp_path {{.Dir}}/scgi;
  sendfile on;
  client_max_body_size 0;
  server {
    listen 127.0.0.1:{{.Port}};
    listen 127.0.0.1:{{.TLSPort}} ssl;
    ssl_certificate {{.Cert}};
    ssl_certificate_key {{.Cert}};
    root {{.Root}};
    location /static/ {}
    location /small {
      client_max_body_size 1k;
      proxy_pass http://{{.Backend}}/echo;
    }
    location /until-close {
      chunked_transfer_encoding off;
      proxy_http_version 1.1;
      proxy_pass http://{{.Backend}}/chunked;
    }
    location / {
      proxy_http_version 1.1;
      proxy_request_buffering off;
      proxy_pass http://{{.Backend}};
    }
  }
}
`,
	},
	{
		// -X is one process in the foreground.
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
	},
	{
		name: "haproxy", bin: "haproxy", args: []string{"-db", "-q", "-f", "{{.Config}}"},
		config: `
global
  maxconn 100
defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
frontend site
  bind 127.0.0.1:{{.Port}}
  bind 127.0.0.1:{{.TLSPort}} ssl crt {{.Cert}}
  http-request return status 413 content-type text/plain string "too large" if { path /small }
  default_backend test
backend test
  server test {{.Backend}}
`,
	},
	{
		name: "lighttpd", bin: "lighttpd", args: []string{"-D", "-f", "{{.Config}}"}, own: true,
		config: `
server.modules = ("mod_proxy", "mod_openssl")
server.document-root = "{{.Root}}"
server.bind = "127.0.0.1"
server.port = {{.Port}}
server.errorlog = "/dev/stderr"
server.upload-dirs = ("{{.Dir}}")
server.stream-request-body = 1
server.stream-response-body = 1
server.max-keep-alive-requests = 1000
mimetype.assign = (".txt" => "text/plain")
$SERVER["socket"] == "127.0.0.1:{{.TLSPort}}" {
  ssl.engine = "enable"
  ssl.pemfile = "{{.Cert}}"
}
$HTTP["url"] =~ "^/small" {
  server.max-request-size = 1
}
$HTTP["url"] !~ "^/static/" {
  proxy.server = ("" => (("host" => "{{host .Backend}}", "port" => {{port .Backend}})))
  proxy.header = ("map-urlpath" => ("/small" => "/echo"))
}
`,
	},
}

// apacheModules is what the configuration of apache2 needs, in load order where
// it matters.
var apacheModules = []string{"mpm_event", "authz_core", "alias", "mime", "rewrite", "http2", "proxy", "proxy_http", "socache_shmcb", "ssl"}
