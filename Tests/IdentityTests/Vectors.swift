/// Made with OpenSSL 3, so that our reading of PEM and PKCS#10 is measured against somebody else's writing.
enum Vectors {
    /// A P-256 request for `spiffe://default/web` that the dataplane web-1 made.
    static let heldRequest = """
        -----BEGIN CERTIFICATE REQUEST-----
        MIIBETCBuAIBADAAMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAElrvHT5C0ScXM
        0nFGrjqzMuw3sD8SqkJB2N5GWJzUB3WNnkEKwVKTg/FBJmIRDAjxZTb+p7MPnuGu
        O3uQPZsyp6BWMFQGCSqGSIb3DQEJDjFHMEUwQwYDVR0RAQH/BDkwN4YUc3BpZmZl
        Oi8vZGVmYXVsdC93ZWKGH3VybjplZ3JldDpwcm94eTpkYXRhcGxhbmU6d2ViLTEw
        CgYIKoZIzj0EAwIDSAAwRQIhAJpthlC0D7iLwvPO/JgA7KdNSM95PPSpfdHadTro
        9OC9AiBT1YZZ8QwEeLZwrlx4o4blCsyp4EBo22j80slE5qIhTw==
        -----END CERTIFICATE REQUEST-----
        """
    /// A P-256 request for `spiffe://default/web` alone: nobody says who made it.
    static let webRequest = """
        -----BEGIN CERTIFICATE REQUEST-----
        MIHuMIGUAgEAMAAwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQUZ/SW8IR+LjzX
        FZ64C9BlKlMDA6UWm498GSJ1SU6lkhIlPiy9mX5ilWIgKTuhOm0NpUQT0hVOLL5Q
        bAmSDLjJoDIwMAYJKoZIhvcNAQkOMSMwITAfBgNVHREEGDAWhhRzcGlmZmU6Ly9k
        ZWZhdWx0L3dlYjAKBggqhkjOPQQDAgNJADBGAiEAuqr1YgM7pfL4/cmD2F9wF8yF
        /8c/rsk+NSv1Oi9dQ/oCIQDWJuofU2y4P/cplWrnktOOhedBL4qdzu4dJPRI6fYk
        Lg==
        -----END CERTIFICATE REQUEST-----
        """
    /// The same with a DNS name beside it.
    static let greedyRequest = """
        -----BEGIN CERTIFICATE REQUEST-----
        MIIBADCBpgIBADAMMQowCAYDVQQDDAF4MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcD
        QgAEFGf0lvCEfi481xWeuAvQZSpTAwOlFpuPfBkidUlOpZISJT4svZl+YpViICk7
        oTptDaVEE9IVTiy+UGwJkgy4yaA4MDYGCSqGSIb3DQEJDjEpMCcwJQYDVR0RBB4w
        HIYUc3BpZmZlOi8vZGVmYXVsdC93ZWKCBGV2aWwwCgYIKoZIzj0EAwIDSQAwRgIh
        ALdRm+1xp6XI1P+sHn/yeINVrHwgXfHPpvpHN4D2LQgrAiEAgefnKUoUM7ePG+JL
        WvjmEFF2B5fCmFV+ag+eUH38JSw=
        -----END CERTIFICATE REQUEST-----
        """
    /// P-521, which no proxy of ours makes.
    static let unusualRequest = """
        -----BEGIN CERTIFICATE REQUEST-----
        MIIBdTCB1wIBADAAMIGbMBAGByqGSM49AgEGBSuBBAAjA4GGAAQBEIUV1Z3kjUQT
        KbHjeW7e5d7lwLJnVCP52AbXjysL8HF8nMn5oufk94hxRYnLWYQGzDc55aDrJQxW
        0Ltt647VHakAQbq0jpU5t1HXtZKKBmZvrXk14m89h+lq2IiAJNZfRBdWW9YpZmnE
        rLk7PQtk77JtZstnXFnMBBUv8juSWmqws8igMjAwBgkqhkiG9w0BCQ4xIzAhMB8G
        A1UdEQQYMBaGFHNwaWZmZTovL2RlZmF1bHQvd2ViMAoGCCqGSM49BAMCA4GMADCB
        iAJCAfz91jtvUO00JnclrxI3pR5uu5HBYb5vRHkd9dz251+ZOM12CNByyiYUHGuP
        LpFi/VkEtxnzVdgFngXk2EK1jkYyAkIBzS9s2Escj0C6UpDZp2BZTx0K9CqE6wI6
        BSmjQIoSpniMKjey6A3tsLvxv7ULoGt/8L31/sx3mu72MjO2X/VM8ZQ=
        -----END CERTIFICATE REQUEST-----
        """
    /// A self-signed RSA CA and its PKCS#8 key.
    static let authorityCertificate = """
        -----BEGIN CERTIFICATE-----
        MIIDATCCAemgAwIBAgIUWg41UDwVB+mA4brsOTbSZOvCbwcwDQYJKoZIhvcNAQEL
        BQAwDzENMAsGA1UEAwwEb3VyczAgFw0yNjExMjMwODI5MzdaGA8yMTI2MTAzMDA4
        MjkzN1owDzENMAsGA1UEAwwEb3VyczCCASIwDQYJKoZIhvcNAQEBBQADggEPADCC
        AQoCggEBAOO8SH++C3fedknm5UsR0xnzKSDxRRT/Q2D373ch+suHgZ+NZxeZtqXv
        NGSQ0VSFC3IH/UUDLPHmdzZKGgxqyGlyN9RjVCnZTDc2SMQUI1+bj0VEfn35GUM6
        pVwjd97Z2SlNwqhJYnUQypDW5ED/aC10Kr3BZxeWFk8gzoomdy5UFzR/ldhTnCDD
        RUk3vtJAXGKaIv426N3mcE8tuaff+HoJWZDN1O0q5Ggw1MHUWgKZZQvm/eQhk2It
        KGP2NWVTjRYRoUrEo7pW90iE8SE+iQ5oWBihqG1798y3W3uJhCvd0u10I2TQpZge
        kofItpbewS/7kZidyJDgyK5iIvKcySUCAwEAAaNTMFEwHQYDVR0OBBYEFM+/ubW2
        Cj+mL2Ay34ai8lpz0WhgMB8GA1UdIwQYMBaAFM+/ubW2Cj+mL2Ay34ai8lpz0Whg
        MA8GA1UdEwEB/wQFMAMBAf8wDQYJKoZIhvcNAQELBQADggEBADVS3oQqUf0gGljX
        1bzH7FpaTzspugjVsM4NBqsqfbUuLNTd4TfuXOb8ECf32rmncgTbXxdznosag7W2
        w2+/m69fOwmPAo2f6dUf/Qvbw0X5l1BWJW9S0chZ8B94TRqSRqI1TmQwuCHG6AmY
        DQhR8IrOmFavSfQG+r7sj16/ShD7Ki9Zph1NVd3GesF26F+uVuMDH8AQp2MvJyGA
        WCjQgFVUDaKH89MYk/q6prR+P6dpWzssS3llj+KUSHURqO8DPbw6Wfr/CSbKsSW1
        KXlqsRK3U/SOQXZFi6dQ2zgK85gtwL1YwlWO7rrEawp3PDZjCsduCXJ/H5JxbQkY
        94C6XTo=
        -----END CERTIFICATE-----
        """
    static let authorityKey = """
        -----BEGIN PRIVATE KEY-----
        MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQDjvEh/vgt33nZJ
        5uVLEdMZ8ykg8UUU/0Ng9+93IfrLh4GfjWcXmbal7zRkkNFUhQtyB/1FAyzx5nc2
        ShoMashpcjfUY1Qp2Uw3NkjEFCNfm49FRH59+RlDOqVcI3fe2dkpTcKoSWJ1EMqQ
        1uRA/2gtdCq9wWcXlhZPIM6KJncuVBc0f5XYU5wgw0VJN77SQFximiL+Nujd5nBP
        Lbmn3/h6CVmQzdTtKuRoMNTB1FoCmWUL5v3kIZNiLShj9jVlU40WEaFKxKO6VvdI
        hPEhPokOaFgYoahte/fMt1t7iYQr3dLtdCNk0KWYHpKHyLaW3sEv+5GYnciQ4Miu
        YiLynMklAgMBAAECggEADVdQGvWn59WHMfSeDZwFdSF20Rh5Ps3mZVWY+G5r6gTt
        7cojljEZz1Y4SETokm452awIpQSW2zPwW2STapNN2smHZkCMY2g4rApY0G3KlbT/
        +2OUEm6nkXXrzn5AbTRvYZlN1Dx6UVfSuhHwrLMZqAIEZ/nev3W6KFgIaXTv6e2E
        W8CWAFsivMFvqFlS5Fbfn6DYcb2NopARv5a+LDD84ylxOGKV0HMiceXDjCHJTqJn
        vdFE0OoQbFGJ6ALIWST0xElDjWr4Eh6MPrmd9HFmnJ7WVzsmX5UMbsUHZzkL33d6
        bVtLUoOmmRJfdO+zYvzVp3A2Cu5Iq7n90NXaHpCXSQKBgQD+J68AVg1bNsxn1pI/
        WZ9eMDRs9TEqucVnZ4ai9TC0qacSMiDg38T6+9LOdTOMgfEHhgx2+8u8K4VSzX/C
        XXkJXUGid2CAuUkSaBrQYWK2A2FEVIsswRwJXnJDsqpF8oG6xK2QcctPt5LX/K4g
        bnFS45DXflfF9QbeYAh3KULXjQKBgQDlY4CI6QkNU+gidX+Oy/GxzGmsdgKzUIpv
        Q6vWvWjLv0q7Z2xxsPM60gXxxNiVmNCdYxzhi+AP1RbOxDWDQWC64hoSFYTxo3pk
        FVFC1d9jWmnIS/LE587m7LsBIU8xHuGT2C2y6xZ287wem+WJueyptWV6Kfz0sE+i
        q5cz5ujl+QKBgG610qGO2pqVME07RtGZtLZOwUeFNzmpWrhEfH2X2POZw1FFzNSo
        JSI/eAC/RQk7wUbJubxKyuDZBGahZbnBBexyVxjyb3MjQxVli+ihw2IN7tzZBxcj
        t5bNMXET7uAxVxmIeyKkry+2g5zaUO+HrI2y23FDc/CjX66Wnplpu9gxAoGANcwS
        NwnAL7n/9STtV4YJFxPDrMi4dWlsLhAG2wPs8evZEP5+dmNzh9X9wufRi7QdKOw3
        t8XgNJZbFP77Nd89WlbwmlElrq4SZCqDtlMGYvyvVmRJeViMM6hNa0RumCyP5uaK
        QS3VROyAsAUL3jMWh+6c7/us8Y3v/0yS139OG7ECgYEA1okV1giFlvzTguwTp2TV
        m1f3Cb84DFO0AIYIn9BS0o9voxjobFgMz/+x3xFOu7ARw/b2iWheuiqAtPIA/Q84
        mdEuVu14RONNj9m8aDjfWp3BABuywUAoyfPjQ2W+aBQpAlEtat8k+q0o9p/STQKR
        yCLQXkqEfc+TRHY+7pvVC4w=
        -----END PRIVATE KEY-----
        """
    /// `basicConstraints: CA:FALSE`.
    static let leafCertificate = """
        -----BEGIN CERTIFICATE-----
        MIIBcjCCARigAwIBAgIUIaWyjbNiaPO0My5NWfH9WaG7P6UwCgYIKoZIzj0EAwIw
        DzENMAsGA1UEAwwEbGVhZjAgFw0yNjExMjMwODI5MzdaGA8yMTI2MTAzMDA4Mjkz
        N1owDzENMAsGA1UEAwwEbGVhZjBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABF9X
        eJQ9JkK+pahOZZF7jnyh2OHjRbs75aym44NWXTgvSkHl3ii+3CbsZGSKXrP+Spdk
        GTmkAxx/apSpuAKcES6jUDBOMB0GA1UdDgQWBBQiR7gaxMn9++NcRv86wrF98d2r
        BzAfBgNVHSMEGDAWgBQiR7gaxMn9++NcRv86wrF98d2rBzAMBgNVHRMBAf8EAjAA
        MAoGCCqGSM49BAMCA0gAMEUCIQD14ijeAYJQF9pNgRhrHx5PWHrvH8g5e8P6gYaX
        ezYXqgIgcGmuwEoLycKmRFrDDN0GFi7b6mkH3nZXcWkw+z8dYWQ=
        -----END CERTIFICATE-----
        """
    static let leafKey = """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQggTgC9SX0I+8+/K23
        31kWB4ecyGT2sh3u5cz23grettehRANCAARfV3iUPSZCvqWoTmWRe458odjh40W7
        O+WspuODVl04L0pB5d4ovtwm7GRkil6z/kqXZBk5pAMcf2qUqbgCnBEu
        -----END PRIVATE KEY-----
        """
}
