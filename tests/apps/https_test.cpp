// SPDX-License-Identifier: Apache-2.0
//
// A client of OpenSSL's as an app, and a real nginx on loopback: it fetches by name, which the
// policy allows, and comes there in no other way.
#include "conformance/at_level.hpp"
#include "name_server.hpp"

#include <sbm/app.hpp>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>

namespace {

constexpr const char *kNginx = "/usr/sbin/nginx";

std::uint16_t free_port()
{
    const loopback::Bound made = loopback::bind(SOCK_STREAM);
    ::close(made.socket);
    return made.port;
}

// nginx with a certificate for web.example, in a folder of its own.
class Nginx {
public:
    explicit Nginx(const std::filesystem::path &folder) : folder_(folder), port_(free_port())
    {
        std::filesystem::create_directories(folder_ / "www");
        std::ofstream(folder_ / "www/hello.txt") << "hello from nginx\n";
        std::ofstream(folder_ / "www/large.bin") << std::string(3'000'000, 'x');
        std::ofstream(folder_ / "nginx.conf")
            << "daemon off;\nmaster_process off;\npid " << text("nginx.pid") << ";\nerror_log "
            << text("error.log") << ";\nevents {}\nhttp {\naccess_log " << text("access.log")
            << ";\nclient_body_temp_path " << text("body") << ";\nproxy_temp_path " << text("proxy")
            << ";\nfastcgi_temp_path " << text("fastcgi") << ";\nuwsgi_temp_path " << text("uwsgi")
            << ";\nscgi_temp_path " << text("scgi") << ";\nserver {\nlisten 127.0.0.1:" << port_
            << " ssl;\nserver_name web.example;\nssl_certificate " << text("web.pem")
            << ";\nssl_certificate_key " << text("web.key") << ";\nroot " << text("www")
            << ";\n}\n}\n";
    }
    ~Nginx()
    {
        if (pid_ > 0) {
            ::kill(pid_, SIGTERM);
            ::waitpid(pid_, nullptr, 0);
        }
    }
    Nginx(const Nginx &) = delete;
    Nginx &operator=(const Nginx &) = delete;

    bool start()
    {
        const std::string command =
            "cd '" + folder_.string() +
            "' && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "
            "web.key -out web.pem -days 3650 -subj /CN=web.example -addext "
            "subjectAltName=DNS:web.example >openssl.log 2>&1";
        if (std::system(command.c_str()) != 0)
            return false;
        const std::string configuration = text("nginx.conf");
        const std::string prefix = folder_.string();
        const char *arguments[] = {
            kNginx, "-c", configuration.c_str(), "-p", prefix.c_str(), "-e", "stderr", nullptr};
        if (::posix_spawn(&pid_, kNginx, nullptr, nullptr, const_cast<char **>(arguments),
                          environ) != 0)
            return false;
        for (int i = 0; i < 500 && !answers(); i++)
            ::usleep(20'000);
        return answers();
    }
    std::string port() const { return std::to_string(port_); }
    std::string requests() const
    {
        std::ifstream file(folder_ / "access.log");
        return {std::istreambuf_iterator<char>(file), {}};
    }

private:
    std::string text(const char *name) const { return (folder_ / name).string(); }
    bool answers() const
    {
        const int number = loopback::connect(port_);
        ::close(number);
        return number >= 0;
    }

    const std::filesystem::path folder_;
    const std::uint16_t port_;
    pid_t pid_ = -1;
};

class Https : public conformance::AtLevel {
protected:
    void SetUp() override
    {
        AtLevel::SetUp();
        if (!std::filesystem::exists(kNginx))
            GTEST_SKIP() << "there is no nginx here";
        char folder[] = "/tmp/sbm-https-XXXXXX";
        ASSERT_NE(::mkdtemp(folder), nullptr);
        folder_ = folder;
        server_.emplace(folder_);
        ASSERT_TRUE(server_->start()) << "nginx did not start";
        names_.set("web.example", {{"127.0.0.1"}});
        names_.set("other.example", {{"127.0.0.1"}});
        std::filesystem::create_directory(folder_ / "certificates");
        std::filesystem::copy(folder_ / "web.pem", folder_ / "certificates/ca.pem");
        policy_.files.push_back({"certificates", folder_ / "certificates", true});
        policy_.network.emplace();
        policy_.network->servers = {names_.server()};
        policy_.network->connect = {"web.example:" + server_->port()};
        policy_.network->addresses = {"127.0.0.1"};
    }
    void TearDown() override
    {
        server_.reset();
        std::filesystem::remove_all(folder_);
    }

    int fetch(const std::string &host, const std::string &path)
    {
        output_ = errors_ = "";
        denied_.clear();
        sbm::AppOptions options;
        options.level = static_cast<sbm::Level>(level());
        options.arguments = {"https", "/certificates/ca.pem",
                             "https://" + host + ":" + server_->port() + path};
        options.output = [this](int stream, std::string_view text) {
            (stream == 1 ? output_ : errors_) += text;
        };
        options.denied = [this](const sbm::DeniedCall &denied) { denied_.push_back(denied); };
        const auto ended = sbm::run_app(SBM_HTTPS_APP, policy_, options);
        EXPECT_TRUE(ended) << ended.error().text();
        return ended ? ended->status : -1;
    }

    NameServer names_;
    std::filesystem::path folder_;
    std::optional<Nginx> server_;
    sbm::Policy policy_;
    std::string output_, errors_;
    std::vector<sbm::DeniedCall> denied_;
};

TEST_P(Https, FetchesByName)
{
    EXPECT_EQ(fetch("web.example", "/hello.txt"), 0) << errors_;
    EXPECT_EQ(output_, "hello from nginx\n");
    policy_.log = std::uint64_t{8} << 20;
    EXPECT_EQ(fetch("web.example", "/large.bin"), 0) << errors_;
    EXPECT_TRUE(output_ == std::string(3'000'000, 'x'));
    EXPECT_EQ(fetch("web.example", "/none"), 1);
    for (const sbm::DeniedCall &denied : denied_) // the C library looks for the time zone
        EXPECT_EQ(denied.argument, "\"etc/localtime\"");
    EXPECT_NE(server_->requests().find("GET /hello.txt"), std::string::npos);
}

TEST_P(Https, IsRefusedEveryOtherWay)
{
    for (const char *host : {"other.example", "127.0.0.1", "localhost", "web.example.other.example",
                             "[::1]", "0.0.0.0"}) {
        EXPECT_EQ(fetch(host, "/hello.txt"), 1) << host;
        ASSERT_EQ(denied_.size(), 1U) << host;
        EXPECT_EQ(denied_[0].call, "net.connect");
    }
    for (const char *host : {"127.1", "2130706433", "0x7f000001"})
        EXPECT_EQ(fetch(host, "/hello.txt"), 1) << host;
    policy_.network->addresses.clear();
    EXPECT_EQ(fetch("web.example", "/hello.txt"), 1) << "the address is not public";
    EXPECT_EQ(server_->requests(), "") << "something came through";
    policy_.network->addresses = {"127.0.0.1"};
    policy_.network->connect.push_back("other.example:*");
    EXPECT_EQ(fetch("other.example", "/hello.txt"), 1) << "which the certificate does not name";
    EXPECT_NE(errors_.find("certificate verify failed"), std::string::npos) << errors_;
    policy_.files.clear();
    EXPECT_EQ(fetch("web.example", "/hello.txt"), 1) << "without certificates nobody is trusted";
    EXPECT_EQ(server_->requests(), "");
}

INSTANTIATE_TEST_SUITE_P(Level, Https, testing::Values(SBM_LEVEL_PROCESS, SBM_LEVEL_VM),
                         conformance::level_name);

} // namespace
