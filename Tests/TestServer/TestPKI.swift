/// Certificates for tests, valid for a century; the keys protect nothing. Made with openssl: a CA, a server certificate for
/// `localhost`, `api.egret.test` and `127.0.0.1`, a client certificate for `alice`, and a CA that signed none of them.
package enum TestPKI {
    package static let ca = """
        -----BEGIN CERTIFICATE-----
        MIIBejCCASGgAwIBAgIUY1GVF0PIHQNvwLiTfd28zVuio+UwCgYIKoZIzj0EAwIw
        EjEQMA4GA1UEAwwHVGVzdCBDQTAgFw0yNjExMjMwOTAzMTRaGA8yMTI2MTAzMDA5
        MDMxNFowEjEQMA4GA1UEAwwHVGVzdCBDQTBZMBMGByqGSM49AgEGCCqGSM49AwEH
        A0IABKQCGFL+yKGFBGpL4pWkth479ZQEvgI47Gv8ke2XZkMmzD+aInNeYUULBSIv
        yvIuXxzRq7m6YhTRiYMGeH9wRJCjUzBRMB0GA1UdDgQWBBR90RklUwNnUTksWsmi
        zWtmm1T7fDAfBgNVHSMEGDAWgBR90RklUwNnUTksWsmizWtmm1T7fDAPBgNVHRMB
        Af8EBTADAQH/MAoGCCqGSM49BAMCA0cAMEQCIDWaeFKIbT1d3u/StRK+lznnqc+v
        0eAtSyEPLI2+YJ9xAiBJE4PPhPDoFg52EmOKJ6q6oQuZGx4JnNMK+ybY9XgKgQ==
        -----END CERTIFICATE-----

        """

    package static let serverCertificate = """
        -----BEGIN CERTIFICATE-----
        MIIBlTCCATugAwIBAgIUb9jCjwlUHTcA1LBem8TSAvHIjwUwCgYIKoZIzj0EAwIw
        EjEQMA4GA1UEAwwHVGVzdCBDQTAgFw0yNjExMjMwOTAzMTRaGA8yMTI2MTAzMDA5
        MDMxNFowETEPMA0GA1UEAwwGc2VydmVyMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcD
        QgAECr3xNiUg3mzJq4yRyS2Bvb61wheJsTLv9lgOeh3ORD+uKP34bj3tkuG4hdtK
        C9FXiWuVMJf1CtugCemtn1trE6NuMGwwKgYDVR0RBCMwIYIJbG9jYWxob3N0gg5h
        cGkuZWdyZXQudGVzdIcEfwAAATAdBgNVHQ4EFgQUE+oNHf/UsRWkcxpsF5/uo7kb
        /mYwHwYDVR0jBBgwFoAUfdEZJVMDZ1E5LFrJos1rZptU+3wwCgYIKoZIzj0EAwID
        SAAwRQIgSQ330Y+40usQa2phFA/8xQJ+LE7ku8pCJcYwVzAr7+ECIQDwmgIFItnl
        dMC+4UQMhN1x1Iy+saBSjviSncnfQTfd2w==
        -----END CERTIFICATE-----

        """

    package static let serverKey = """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgCncV4JCk+nabez1b
        ZSzuuBODUfdvgFNEIQpDJT69l+OhRANCAAQKvfE2JSDebMmrjJHJLYG9vrXCF4mx
        Mu/2WA56Hc5EP64o/fhuPe2S4biF20oL0VeJa5Uwl/UK26AJ6a2fW2sT
        -----END PRIVATE KEY-----

        """

    package static let clientCertificate = """
        -----BEGIN CERTIFICATE-----
        MIIBMDCB1wIUB5WCwXUI+sXS9f38axUMPj/bHVMwCgYIKoZIzj0EAwIwEjEQMA4G
        A1UEAwwHVGVzdCBDQTAgFw0yNjExMjMwOTAzMTRaGA8yMTI2MTAzMDA5MDMxNFow
        IjEOMAwGA1UEAwwFYWxpY2UxEDAOBgNVBAoMB3Rlc3RlcnMwWTATBgcqhkjOPQIB
        BggqhkjOPQMBBwNCAAROwDJ7In5Lvqp/wqNe07f804O1NAU+Z8N7sV/c6brzJPx8
        ro8ln2loNbQkM6X8zE1+A/U0k8IC6Wg9Ao+rmEo1MAoGCCqGSM49BAMCA0gAMEUC
        IQDB+p9NZYWHWKl8YRmIQ+NV8tfQKFLcG0WxJ3cbfLnuMAIgJH/SFLDTXueelIxi
        jEKB5+1t1wfjebJWFaFsanuq38w=
        -----END CERTIFICATE-----

        """

    package static let clientKey = """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgDR0gaDwi7tTR7Pkh
        egGgHjzCClBDN3Fqq3NQDQQvZAyhRANCAAROwDJ7In5Lvqp/wqNe07f804O1NAU+
        Z8N7sV/c6brzJPx8ro8ln2loNbQkM6X8zE1+A/U0k8IC6Wg9Ao+rmEo1
        -----END PRIVATE KEY-----

        """

    package static let otherCA = """
        -----BEGIN CERTIFICATE-----
        MIIBfTCCASOgAwIBAgIUVPK2Q3IuPsE1K+4X4Z3DjJFugpkwCgYIKoZIzj0EAwIw
        EzERMA8GA1UEAwwIT3RoZXIgQ0EwIBcNMjYxMTIzMDkwMzE0WhgPMjEyNjEwMzAw
        OTAzMTRaMBMxETAPBgNVBAMMCE90aGVyIENBMFkwEwYHKoZIzj0CAQYIKoZIzj0D
        AQcDQgAETFiZcPvvFovo2u5IO+HB/qMnlnhpZXG38D3SoutisFnm4lEqheF94EE0
        pJsgqEsmDKkL6dq8BMgA3GWAl0SID6NTMFEwHQYDVR0OBBYEFF9IYjMElKqFnMd5
        P4/MW0nQQiGcMB8GA1UdIwQYMBaAFF9IYjMElKqFnMd5P4/MW0nQQiGcMA8GA1Ud
        EwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIhAM9P8FhG0CNFQi/UjH2A/9Au
        cVV29cuOGqC1/NBZU9UjAiBN+k28qsN0X+Ouk0vHfEZREKf/FZbCwyeHyLfIuYBO
        QA==
        -----END CERTIFICATE-----

        """
}
