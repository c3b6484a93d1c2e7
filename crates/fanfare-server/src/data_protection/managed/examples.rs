//! Texts for every identifier, in which just what stands between `«` and `»` is it.

pub(super) const TABLE: &[(&str, &[&str])] = &[
    (
        "AwsSecretKey",
        &[
            "aws_secret_access_key = «wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY»",
            r#"{"SecretAccessKey":"«wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY»"}"#,
            "commit wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
            "secret: da39a3ee5e6b4b0d3255bfef95601890afd80709",
            "secret: wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEYS",
        ],
    ),
    (
        "BankAccountNumber-DE",
        &[
            "IBAN «DE89 3704 0044 0532 0130 00», please",
            "«de89370400440532013000»",
            "DE88 3704 0044 0532 0130 00",
            "DE893704004405320130001",
            "GB29NWBK60161331926819",
        ],
    ),
    ("BankAccountNumber-ES", &["«ES91 2100 0418 4502 0005 1332»", "ES92 2100 0418 4502 0005 1332"]),
    ("BankAccountNumber-FR", &["«FR14 2004 1010 0505 0001 3M02 606»", "FR15 2004 1010 0505 0001 3M02 606"]),
    (
        "BankAccountNumber-GB",
        &["«GB29 NWBK 6016 1331 9268 19»", "GB28 NWBK 6016 1331 9268 19", "XGB29NWBK60161331926819"],
    ),
    ("BankAccountNumber-IT", &["«IT60 X054 2811 1010 0000 0123 456»", "IT61 X054 2811 1010 0000 0123 456"]),
    ("Cnpj-BR", &["CNPJ «11.222.333/0001-81»", "11.222.333/0001-82", "11.222.333/0001-811"]),
    ("CpfCode-BR", &["CPF «123.456.789-09»", "123.456.789-08", "111.111.111-11", "1.123.456.789-09"]),
    (
        "CreditCardExpiration",
        &["expires «09/31»", "Exp: «12-2031»", "09/31", "chapter 09/31", "exp 13/31", "exp. 09/31/2026"],
    ),
    (
        "CreditCardNumber",
        &[
            "card «4111 1111 1111 1111»!",
            "«4111-1111-1111-1111» and «5555555555554444»",
            "«378282246310005»,«6011111111111117»",
            "«30569309025904» «2223003122003222» «3530111333300000» ",
            "order 12 «4111111111111111»",
            "4111111111111112",
            "41111111111111111",
            "0000000000000000",
            "id4111111111111111",
            "1234567812345670",
        ],
    ),
    ("DrugEnforcementAgencyNumber-US", &["DEA «AB1234563»", "AB1234564", "XAB1234563"]),
    (
        "EmailAddress",
        &[
            "write to «ann.lee+parcels@mail.example.com».",
            "<«a@example.org»>, \"«b_1@example.co.uk»\"",
            r#"{"to":"«ann@example.com»"}"#,
            "«ünä@bücher.example»",
            "@ann said hi@",
            "ann@localhost",
            "ann@example.7",
            "a@b..example",
            "a@-b.example",
            "price@1.50",
        ],
    ),
    (
        "IpAddress",
        &[
            "from «192.0.2.1», and «10.0.0.255».",
            "«192.0.2.1»:8080 «2001:db8::1»; «fe80::1»%eth0 «::ffff:192.0.2.128»",
            "peer:«2001:db8:0:0:0:0:2:1».",
            "192.0.2.256",
            "1.2.3.4.5",
            "at 12:30:45",
            "std::fmt and cafe::bed",
            "v192.0.2.1",
        ],
    ),
    (
        "LatLong",
        &["at «52.520008, 13.404954»", "«-33.8688,151.2093»", "52.5, 13.4", "91.0000, 13.0000", "52.5200, 181.0000"],
    ),
    ("NhsNumber-GB", &["«943 476 5919»", "«401-023-2137»", "943 476 5918", "000 000 0000", "1 943 476 5919"]),
    ("NieNumber-ES", &["«X1234567L» «Y-1234567-X»", "X1234567M", "AX1234567L"]),
    ("NifNumber-ES", &["«12345678Z» «12345678-Z»", "12345678A", "112345678Z"]),
    (
        "OpenSshPrivateKey",
        &[
            "«-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk\n-----END OPENSSH PRIVATE KEY-----»\n",
            "key: «-----BEGIN OPENSSH PRIVATE KEY-----\nb3Blbn»",
            "-----BEGIN OPENSSH PUBLIC KEY-----",
        ],
    ),
    (
        "PgpPrivateKey",
        &[
            "«-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nlQ\n-----END PGP PRIVATE KEY BLOCK-----»",
            "-----BEGIN PGP PUBLIC KEY BLOCK-----",
        ],
    ),
    (
        "PhoneNumber-US",
        &[
            "call «(555) 234-5678» or «555-234-5678»",
            "«+1 555 234 5678» «+15552345678» «1-555-234-5678»",
            "5552345678",
            "155-234-5678",
            "555-134-5678",
            "555-234-56789",
            "2555-234-5678",
            "+445552345678",
        ],
    ),
    (
        "PkcsPrivateKey",
        &[
            "«-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----» and more",
            "«-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----»",
            "-----BEGIN CERTIFICATE-----\nMIIE\n-----END CERTIFICATE-----",
        ],
    ),
    (
        "PuttyPrivateKey",
        &["«PuTTY-User-Key-File-3: ssh-ed25519\nPrivate-Lines: 1\nAAAA\nPrivate-MAC: 0a1b»\n", "PuTTY-User-Key-File"],
    ),
    ("SocialInsuranceNumber-CA", &["SIN «046 454 286»", "046 454 287", "046 454 286 1"]),
    (
        "Ssn-US",
        &[
            "«078-05-1120», «219 09 9999»",
            "SSN: «078051120»",
            "078051120",
            "000-12-3456",
            "666-12-3456",
            "900-12-3456",
            "078-00-1120",
            "078-05-0000",
            "078-05-11200",
            "1-078-05-1120",
        ],
    ),
    (
        "VehicleIdentificationNumber",
        &[
            "VIN «1M8GDM9AXKP042788» and «1HGCM82633A004352»",
            "1HGCM82633A004353",
            "11111111111111111",
            "1HGCM82633A0043521",
        ],
    ),
];
