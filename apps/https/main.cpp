// SPDX-License-Identifier: Apache-2.0
//
// A client for HTTPS as an app, by OpenSSL: `https CERTIFICATES https://HOST[:PORT]/PATH`. The
// body goes to standard output; the status is 0 for an answer of 200.
#include <cstdio>
#include <cstring>
#include <memory>
#include <netdb.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <unistd.h>

namespace {

struct Url {
    std::string host, port, path;
};

bool parse(std::string_view text, Url &url)
{
    constexpr std::string_view kScheme = "https://";
    if (!text.starts_with(kScheme))
        return false;
    text.remove_prefix(kScheme.size());
    const std::size_t slash = text.find('/');
    const std::string_view authority = text.substr(0, slash);
    const std::size_t colon = authority.rfind(':');
    url.host = authority.substr(0, colon);
    url.port = colon == std::string_view::npos ? "443" : authority.substr(colon + 1);
    url.path = slash == std::string_view::npos ? "/" : text.substr(slash);
    return !url.host.empty() && !url.port.empty();
}

int fail(const char *what)
{
    const unsigned long code = ERR_get_error();
    if (code)
        std::fprintf(stderr, "https: %s: %s\n", what, ERR_reason_error_string(code));
    else
        std::perror((std::string("https: ") + what).c_str());
    return 1;
}

int connect_to(const Url &url)
{
    addrinfo hints{}, *found = nullptr;
    hints.ai_socktype = SOCK_STREAM;
    if (::getaddrinfo(url.host.c_str(), url.port.c_str(), &hints, &found) != 0)
        return -1;
    const int number = ::socket(found->ai_family, found->ai_socktype, 0);
    const bool stands = ::connect(number, found->ai_addr, found->ai_addrlen) == 0;
    ::freeaddrinfo(found);
    return stands ? number : -1;
}

using Context = std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)>;
using Connection = std::unique_ptr<SSL, decltype(&SSL_free)>;

// Prints what comes after the head; its first line is the status.
int print_body(SSL *connection)
{
    std::string head;
    char bytes[16384];
    bool is_body = false;
    int count;
    while ((count = SSL_read(connection, bytes, sizeof bytes)) > 0) {
        std::string_view part(bytes, static_cast<std::size_t>(count));
        if (!is_body) {
            head += part;
            const std::size_t end = head.find("\r\n\r\n");
            if (end == std::string::npos)
                continue;
            is_body = true;
            part = std::string_view(head).substr(end + 4);
            std::fwrite(part.data(), 1, part.size(), stdout);
            head.resize(end);
            continue;
        }
        std::fwrite(part.data(), 1, part.size(), stdout);
    }
    if (SSL_get_error(connection, count) != SSL_ERROR_ZERO_RETURN)
        return fail("reading");
    const std::string status = head.substr(0, head.find('\r'));
    if (status.find(" 200") != std::string::npos)
        return 0;
    std::fprintf(stderr, "https: %s\n", status.c_str());
    return 1;
}

int get(const char *certificates, const Url &url)
{
    OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr);
    const Context context(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
    if (!context || SSL_CTX_load_verify_locations(context.get(), certificates, nullptr) != 1)
        return fail(certificates);
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
    const int number = connect_to(url);
    if (number < 0)
        return fail(url.host.c_str());
    const Connection connection(SSL_new(context.get()), SSL_free);
    SSL_set_tlsext_host_name(connection.get(), url.host.c_str());
    if (SSL_set1_host(connection.get(), url.host.c_str()) != 1 ||
        SSL_set_fd(connection.get(), number) != 1 || SSL_connect(connection.get()) != 1)
        return fail(url.host.c_str());
    const std::string request = "GET " + url.path + " HTTP/1.0\r\nHost: " + url.host + "\r\n\r\n";
    if (SSL_write(connection.get(), request.data(), static_cast<int>(request.size())) <= 0)
        return fail("writing");
    return print_body(connection.get());
}

} // namespace

int main(int count, char **arguments)
{
    Url url;
    if (count != 3 || !parse(arguments[2], url)) {
        std::fprintf(stderr, "usage: https CERTIFICATES https://HOST[:PORT]/PATH\n");
        return 2;
    }
    return get(arguments[1], url);
}
